import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { defineAgent, defineGraph, defineTool } from '../../index.ts';
import { connectClient, type TemporalClient } from '../../temporal/connect.ts';
import { eventually } from '../support/eventually.ts';
import { type ModelServer, modelsFile, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { historySize } from '../support/workflow-history.ts';
import { behindTheBack } from './acceptance/database.ts';
import { ended } from './acceptance/views.ts';

/** The whole of a long run, and the hundred resets, take minutes. */
const LARGE = process.env.MUSTER_FAULTS === 'large';
const STEPS = LARGE ? 125 : 13;
const CALLS_PER_STEP = 8;
const RESETS = LARGE ? 100 : 8;
const ROUNDS = LARGE ? 120 : 12;
const MOST_EVENT = 65_536;
const MOST_EVENTS = 4_096;
const MOST_BYTES = 4_194_304;

/** About 200 tokens. */
const page = 'The quick brown fox jumps over the lazy dog, and the dog does not mind. '.repeat(12);
const subject = z.object({ subject: z.number() });
const lookedUp: number[] = [];
const reader = defineAgent({
  ...{ name: 'large-reader', input: z.object({}), output: z.object({ read: z.number() }), model: 'default' },
  instructions: 'Read every page.',
  tools: [
    defineTool({
      ...{ name: 'read-page', description: 'Reads a page.', risk: 'read_only', effect: 'none' },
      ...{ input: subject, output: z.string() },
      handle: ({ subject }) => {
        lookedUp.push(subject);
        return `${subject}: ${page}`;
      },
    }),
  ],
  limits: {
    ...{ steps: STEPS + 2, callsPerStep: CALLS_PER_STEP, parallelReads: CALLS_PER_STEP },
    ...{ inputTokens: 400_000, transcriptTokens: 400_000 },
  },
});
const reading = defineGraph({
  name: 'large-reading',
  input: z.object({}),
  nodes: { read: { agent: reader, input: {} } },
  output: '/nodes/read',
});

const number = z.object({ n: z.number() });
const next = defineAgent({
  ...{ name: 'large-next', quick: true, input: z.object({ n: z.unknown() }), output: number },
  handle: ({ n }) => ({ n: Number(n) + 1 }),
});
const element = defineGraph({
  name: 'large-element',
  input: z.object({ item: z.number(), index: z.number() }),
  nodes: { next: { agent: next, input: { n: '/task/item' } } },
  output: '/nodes/next/n',
});
const every = defineGraph({
  name: 'large-each',
  input: z.object({ items: z.array(z.number()) }),
  nodes: { all: { each: element, items: '/task/items', width: 16 } },
  output: '/nodes/all',
});
const round = defineGraph({
  name: 'large-round',
  input: z.object({ iteration: z.number() }),
  nodes: { next: { agent: next, input: { n: '/task/iteration' } } },
  output: '/nodes/next',
});
const often = defineGraph({
  name: 'large-repeat',
  input: z.object({}),
  nodes: { all: { repeat: round, until: { pointer: '/output/n', is: 'gte', value: 500 }, most: 500 } },
  output: '/nodes/all',
});

const made: number[] = [];
/** Slow, and changes something outside. */
const make = defineAgent({
  ...{ name: 'large-make', input: z.object({ n: z.number() }), output: number },
  handle: async ({ n }, context) => {
    const call = async () => made.push(n);
    await context.effect('make', { request: n, whenInDoubt: 'stop', call });
    return { n: n + 1 };
  },
});
const makeRound = defineGraph({
  name: 'large-make-round',
  input: z.object({ iteration: z.number() }),
  nodes: { make: { agent: make, input: { n: '/task/iteration' } } },
  output: '/nodes/make',
});
const making = defineGraph({
  name: 'large-making',
  input: z.object({}),
  nodes: { all: { repeat: makeRound, until: { pointer: '/output/n', is: 'gte', value: ROUNDS }, most: ROUNDS } },
  output: '/nodes/all',
});

describe('large work', function () {
  this.timeout(LARGE ? 900_000 : 120_000);
  let muster: MusterUnderTest;
  let models: ModelServer;
  let temporal: TemporalClient;

  before(async () => {
    models = await startModelServer(({ messages }) => {
      const step = messages.filter(({ role }) => role === 'assistant').length;
      if (step === STEPS) return { text: JSON.stringify({ read: STEPS * CALLS_PER_STEP }) };
      const calls = Array.from({ length: CALLS_PER_STEP }, (_, index) => step * CALLS_PER_STEP + index);
      return { calls: calls.map((each) => ({ tool: 'read-page', arguments: { subject: each } })) };
    });
    muster = await openMuster('large work', { environment: { MUSTER_MODELS: await wideModels(models.url) } });
    await muster.work({ graphs: [reading, every, often, making] });
    const { temporalAddress: address, temporalNamespace: namespace } = muster.stack;
    temporal = await connectClient({ address, namespace });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
    await temporal?.close();
  });

  const isBounded = async (workflowId: string) => {
    const size = await historySize(temporal.client, workflowId);
    assert.ok(size.largestEvent <= MOST_EVENT, `the largest event has ${size.largestEvent} bytes`);
    assert.ok(size.events <= MOST_EVENTS, `the longest run has ${size.events} events`);
    assert.ok(size.bytes <= MOST_BYTES, `the longest run has ${size.bytes} bytes`);
  };

  it('D6: a long run with a long conversation completes, with a bounded history', async () => {
    const view = await ended(await muster.client.submit('large-reading', {}));

    assert.deepEqual(view.output, { read: STEPS * CALLS_PER_STEP });
    assert.deepEqual(
      lookedUp.toSorted((one, other) => one - other),
      Array.from({ length: STEPS * CALLS_PER_STEP }, (_, index) => index),
    );
    const asked = models.asked.at(-1)?.messages ?? [];
    assert.equal(asked.filter(({ role }) => role === 'tool').length, STEPS * CALLS_PER_STEP);
    await isBounded(view.task.workflowId);
  });

  it('an each of 1,000 elements and a repeat of 500 rounds complete, with a bounded history', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) => index);
    const all = await ended(await muster.client.submit('large-each', { items }));
    const rounds = await ended(await muster.client.submit('large-repeat', {}));

    assert.deepEqual(
      all.output,
      items.map((item) => item + 1),
    );
    assert.deepEqual(rounds.output, { n: 500 });
    for (const { task } of [all, rounds]) await isBounded(task.workflowId);
  });

  it('D10: a workflow that is reset again and again repeats no effect and leaves none out', async () => {
    const task = await muster.client.submit('large-making', {});
    const handle = temporal.client.workflow.getHandle(task.workflowId);
    for (let reset = 0; reset < RESETS; reset += 1) {
      const before = made.length;
      await eventually(() => assert.ok(made.length > before || made.length === ROUNDS), { withinMs: 30_000 });
      const finished = await eventually(async () => {
        const { events } = await handle.fetchHistory();
        const { eventId } = events?.find((event) => event.workflowTaskCompletedEventAttributes) ?? {};
        assert.ok(eventId);
        return eventId;
      });
      await temporal.client.workflowService.resetWorkflowExecution({
        namespace: temporal.client.options.namespace,
        workflowExecution: { workflowId: task.workflowId },
        ...{ reason: 'a test', requestId: `${task.id} ${reset}`, workflowTaskFinishEventId: finished },
      });
    }
    const view = await ended(task);

    assert.deepEqual(view.output, { n: ROUNDS });
    assert.deepEqual(
      made,
      Array.from({ length: ROUNDS }, (_, index) => index),
    );
    const effects = await behindTheBack<{ count: string }>(
      muster,
      'select count(*) from muster.activity_effects where task_id = $1',
      [task.id],
    );
    assert.equal(Number(effects[0]?.count), ROUNDS);
    assert.equal((await historySize(temporal.client, task.workflowId)).runs, RESETS + 1);
  });
});

/** A model that takes the whole conversation. */
async function wideModels(url: string): Promise<string> {
  const path = await modelsFile(url);
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('"contextTokens":100000', '"contextTokens":500000'));
  return path;
}
