import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { defineAgent, defineGraph, type HandlerContext, hasErrorCode } from '../../../index.ts';
import { sinkCalls } from '../../support/sink.ts';
import { mixed, quick, small } from '../faults/graphs.ts';

/** The graphs of a nemesis run. `label` names a task's own subjects at the sink. */
const labelled = z.object({ label: z.string() });

/** Begins the subject under which a refused write of the graph `overtaken` is noted; the error's code follows. */
export const REFUSED = 'refused.';

/** Tells the sink what became of something that the product may refuse. */
async function noteRefusal(key: string, asked: Promise<unknown>): Promise<void> {
  await asked.catch((error: unknown) =>
    sinkCalls.post({ key, subject: `${REFUSED}${hasErrorCode(error) ? error.code : 'a fault'}` }),
  );
}

function post(context: HandlerContext, label: string): Promise<null> {
  return context.effect('post', {
    request: { label },
    whenInDoubt: 'repeat',
    call: async (key) => {
      await sinkCalls.post({ key, subject: `${label}/overtaken` });
      return null;
    },
  });
}

/** What an attempt of the graph `overtaken` tells the sink about itself. */
export function holderSubject(label: string, attempt: number, pid: number | string): string {
  return `${label}.${attempt}.${pid}`;
}

/**
 * Says which process it runs in and waits at the gate `label`, whatever its signal says; then tries to leave everything
 * behind that a handler can. From the second attempt on it waits at `label/again`, and heeds its signal: that gate opens
 * only when every fault is healed, which the stop of its worker is one of.
 */
const overtakenAgent = defineAgent({
  name: 'overtaken',
  input: labelled,
  output: z.object({ attempt: z.number(), pid: z.number() }),
  async handle({ label }, context) {
    const { attempt } = context;
    const subject = holderSubject(label, attempt, process.pid);
    await sinkCalls.post({ key: subject, subject });
    await (attempt === 1 ? sinkCalls.wait(label) : sinkCalls.wait(`${label}/again`, context.signal));
    const file = { name: 'left-behind.txt', mediaType: 'text/plain', content: `attempt ${attempt}` };
    await noteRefusal(`${label}/${attempt}/artifact`, context.writeArtifact(file));
    await noteRefusal(`${label}/${attempt}/effect`, post(context, label));
    return { attempt, pid: process.pid };
  },
});
export const overtaken = defineGraph({
  name: 'overtaken',
  input: labelled,
  nodes: { only: { agent: overtakenAgent, input: { label: '/task/label' } } },
  output: '/nodes/only',
});

/** The provider whose limit the graph `limited` goes by. */
export const PROVIDER = 'nemesis';
/** Begins the subject under which an admission is noted; its moment, in milliseconds since 1970, and who let it in follow. */
export const ADMITTED = 'admitted.';

/** Takes one call of the provider, and tells the sink when it was let in, and when it was told to wait. */
const limitedAgent = defineAgent({
  name: 'limited',
  input: labelled,
  output: z.object({ pid: z.number() }),
  async handle(_input, context) {
    const { limit, source } = await context.limits.take({ provider: PROVIDER }).catch(async (error: unknown) => {
      if (hasErrorCode(error)) await sinkCalls.post({ key: randomUUID(), subject: error.code });
      throw error;
    });
    const subject = `${ADMITTED}${Date.now()}.${limit === null ? 'no limit' : source}.${randomUUID()}`;
    await sinkCalls.post({ key: subject, subject });
    return { pid: process.pid };
  },
});
export const limited = defineGraph({
  name: 'limited',
  input: labelled,
  nodes: { only: { agent: limitedAgent, input: { label: '/task/label' } } },
  output: '/nodes/only',
});

/** Tells the agent `listener` its label in a message. */
const teller = defineAgent({
  name: 'teller',
  input: labelled,
  output: z.object({ sent: z.string() }),
  async handle({ label }, context) {
    const { id } = await context.messages.send('tell', 'listener', { label });
    return { sent: id };
  },
});
/** Does an effect for each message, under the message's id. */
const listener = defineAgent({
  name: 'listener',
  quick: true,
  input: labelled,
  output: z.object({}),
  handle: () => ({}),
  async receive({ id, payload }) {
    await sinkCalls.post({ key: id, subject: `${payload.label}/heard` });
  },
});
export const talking = defineGraph({
  name: 'talking',
  input: labelled,
  nodes: {
    tell: { agent: teller, input: { label: '/task/label' } },
    after: { agent: listener, input: { label: '/task/label' }, after: ['tell'] },
  },
  output: '/nodes/tell',
});

export const graphs = [mixed, quick, small, overtaken, limited, talking];
