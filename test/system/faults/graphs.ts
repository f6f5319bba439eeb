import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineGraph, type HandlerContext, hasErrorCode } from '../../../index.ts';
import { sinkCalls } from '../../support/sink.ts';

/** The graphs of the fault tests. `label` names a task's own subjects at the sink. */
const labelled = z.object({ label: z.string() });
const done = z.object({ attempt: z.number(), pid: z.number() });

/** Steps with an effect in the graphs `mixed` and `small`, each with the subject `label/step`. */
export const MIXED_EFFECTS = ['first', 'note', 'second'] as const;

function postOnce(context: HandlerContext, label: string, options: { blind?: boolean } = {}): Promise<null> {
  const { blind = false } = options;
  return context.effect('post', {
    request: { label },
    whenInDoubt: blind ? 'stop' : 'repeat',
    call: async (key) => {
      await sinkCalls.post({ key, subject: `${label}/${context.nodeId}`, blind });
      return null;
    },
  });
}

const poster = defineAgent({
  name: 'poster',
  input: labelled,
  output: done,
  async handle({ label }, context) {
    await postOnce(context, label);
    return { attempt: context.attempt, pid: process.pid };
  },
});
const noter = defineAgent({
  name: 'noter',
  quick: true,
  input: labelled,
  output: done,
  async handle({ label }, context) {
    await postOnce(context, label);
    return { attempt: context.attempt, pid: process.pid };
  },
});
const blindPoster = defineAgent({
  name: 'blind-poster',
  input: labelled,
  output: done,
  async handle({ label }, context) {
    await postOnce(context, label, { blind: true });
    return { attempt: context.attempt, pid: process.pid };
  },
});
const counter = defineAgent({
  name: 'counter',
  quick: true,
  input: labelled,
  output: z.object({ label: z.string() }),
  handle: ({ label }) => ({ label }),
});

/** A slow node with an effect, a quick one with an effect and a quick one without, and a slow one again. */
export const mixed = defineGraph({
  name: 'mixed',
  input: labelled,
  nodes: {
    first: { agent: poster, input: { label: '/task/label' } },
    note: { agent: noter, input: { label: '/task/label' }, after: ['first'] },
    count: { agent: counter, input: { label: '/task/label' }, after: ['note'] },
    second: { agent: poster, input: { label: '/task/label' }, after: ['count'] },
  },
  output: '/nodes/second',
});

/** The same effects by quick nodes alone, for tasks that share executions. */
export const small = defineGraph({
  name: 'small',
  input: labelled,
  nodes: {
    first: { agent: noter, input: { label: '/task/label' } },
    note: { agent: noter, input: { label: '/task/label' }, after: ['first'] },
    second: { agent: noter, input: { label: '/task/label' }, after: ['note'] },
  },
  output: '/nodes/second',
});

/** Its effect goes to a service that knows no idempotency keys. */
export const blind = defineGraph({
  name: 'blind',
  input: labelled,
  nodes: { post: { agent: blindPoster, input: { label: '/task/label' }, budget: { maxRetries: 0 } } },
  output: '/nodes/post',
});

/** One quick node and nothing else. */
export const quick = defineGraph({
  name: 'quick',
  input: labelled,
  nodes: { count: { agent: counter, input: { label: '/task/label' } } },
  output: '/nodes/count',
});

/** Waits at the gate of its label, and then posts. The gate holds its first caller only. */
const holder = defineAgent({
  name: 'holder',
  input: labelled,
  output: done,
  async handle({ label }, context) {
    await sinkCalls.wait(label, context.signal);
    await postOnce(context, label);
    return { attempt: context.attempt, pid: process.pid };
  },
});
export const held = defineGraph({
  name: 'held',
  input: labelled,
  nodes: { hold: { agent: holder, input: { label: '/task/label' } } },
  output: '/nodes/hold',
});

/** Tells the sink when the product refuses something to an attempt. */
async function noteRefusal(key: string, asked: Promise<unknown>): Promise<void> {
  await asked.catch((error: unknown) => sinkCalls.post({ key, subject: hasErrorCode(error) ? error.code : 'a fault' }));
}

/**
 * Waits at the gate `label`, and from the second attempt on at `label/again`, whatever its signal says; then tries to
 * leave everything behind that a handler can.
 */
const straggler = defineAgent({
  name: 'straggler',
  input: labelled,
  output: done,
  async handle({ label }, context) {
    const { attempt } = context;
    await sinkCalls.wait(attempt === 1 ? label : `${label}/again`);
    const file = { name: 'left-behind.txt', mediaType: 'text/plain', content: `attempt ${attempt}` };
    await noteRefusal(`${label}/${attempt}/artifact`, context.writeArtifact(file));
    await noteRefusal(`${label}/${attempt}/effect`, postOnce(context, label));
    return { attempt, pid: process.pid };
  },
});
export const straggling = defineGraph({
  name: 'straggling',
  input: labelled,
  nodes: { straggle: { agent: straggler, input: { label: '/task/label' } } },
  output: '/nodes/straggle',
});
/** The same with little time: an attempt outlives its timeout inside a worker that is well. */
export const overdue = defineGraph({
  name: 'overdue',
  input: labelled,
  nodes: { straggle: { agent: straggler, input: { label: '/task/label' }, budget: { timeoutMs: 6_000 } } },
  output: '/nodes/straggle',
});

/** A stretch of quick nodes that hangs at its gate, before a slow node that hangs at `label/again`. */
const quickHolder = defineAgent({
  name: 'quick-holder',
  quick: true,
  input: labelled,
  output: done,
  async handle({ label }, context) {
    await sinkCalls.wait(label);
    await sinkCalls.post({ key: `${label}/seen/${process.pid}`, subject: 'seen' });
    return { attempt: context.attempt, pid: process.pid };
  },
});
const lastHolder = defineAgent({
  name: 'last-holder',
  input: labelled,
  output: done,
  async handle({ label }, context) {
    await sinkCalls.wait(`${label}/again`);
    return { attempt: context.attempt, pid: process.pid };
  },
});
export const quickHeld = defineGraph({
  name: 'quick-held',
  input: labelled,
  nodes: {
    hold: { agent: quickHolder, input: { label: '/task/label' } },
    last: { agent: lastHolder, input: { label: '/task/label' }, after: ['hold'] },
  },
  output: '/nodes/hold',
});

/** Kills whatever process runs it. */
const poisonous = defineAgent({
  name: 'poisonous',
  input: labelled,
  output: done,
  async handle() {
    process.kill(process.pid, 'SIGKILL');
    await pause(60_000);
    return { attempt: 0, pid: 0 };
  },
});
export const poison = defineGraph({
  name: 'poison',
  input: labelled,
  nodes: { burst: { agent: poisonous, input: { label: '/task/label' } } },
  output: '/nodes/burst',
});

/** Keeps the event loop of its worker from running for longer than the server waits for a heartbeat. */
const blocker = defineAgent({
  name: 'blocker',
  input: labelled,
  output: done,
  async handle(_input, { signal }) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 23_000);
    await pause(60_000, undefined, { signal });
    return { attempt: 0, pid: 0 };
  },
});
export const blocking = defineGraph({
  name: 'blocking',
  input: labelled,
  nodes: { block: { agent: blocker, input: { label: '/task/label' }, budget: { timeoutMs: 120_000 } } },
  output: '/nodes/block',
});

export const graphs = [blocking, mixed, blind, quick, held, straggling, overdue, quickHeld, poison];
