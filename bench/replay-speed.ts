import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineGraph, defineTool } from '../index.ts';
import { modelsFile, startModelServer } from '../test/support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../test/support/muster.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import { median } from './measure.ts';
import type { Finding } from './report.ts';

/** How long a model takes to answer: a short answer of a fast one. Milliseconds. */
const ANSWER_MS = 500;
const RUNS = 3;
const REPLAYS = 30;

const number = z.object({ n: z.number() });
const look = defineTool({
  ...{ name: 'bench-look', risk: 'read_only', effect: 'none', input: number, output: z.number() },
  handle: ({ n }) => n,
});
const thinker = defineAgent({
  ...{ name: 'bench-thinker', input: number, output: number, model: 'default', tools: [look] },
  instructions: 'Look three times.',
});
const thought = defineGraph({
  name: 'bench-thought',
  input: number,
  nodes: {
    first: { agent: thinker, input: { n: '/task/n' } },
    more: { condition: { pointer: '/nodes/first/n', is: 'gt', value: 0 } },
    second: { agent: thinker, input: { n: '/nodes/first/n' }, when: { more: 'true' } },
  },
  output: '/nodes/second',
});

/** How fast a recorded run is replayed, against the run itself with models that take their time. */
export async function measureReplays(_: MusterUnderTest, stack: PrivateStack): Promise<Finding[]> {
  const models = await startModelServer(async ({ messages }) => {
    await pause(ANSWER_MS);
    const looks = messages.filter(({ role }) => role === 'tool').length;
    return looks < 3 ? { calls: [{ tool: 'bench-look', arguments: { n: looks } }] } : { text: '{"n":3}' };
  });
  const muster = await openMuster('bench replay', {
    stack,
    environment: { MUSTER_MODELS: await modelsFile(models.url) },
  });
  try {
    await muster.work({ graphs: [thought] });
    const [runs, replays]: [number[], number[]] = [[], []];
    for (let run = 0; run < RUNS; run += 1) {
      const began = performance.now();
      const task = await muster.client.submit('bench-thought', { n: run });
      await task.result();
      runs.push(performance.now() - began);
      for (let again = 0; again < REPLAYS; again += 1) {
        const at = performance.now();
        const { identical } = await muster.client.operations.tasks.replay({ id: task.id });
        if (!identical) throw new Error('The replay parts from the record.');
        replays.push(performance.now() - at);
      }
    }
    const [ran, replayed] = [median(runs), median(replays)];
    return [
      { name: `a run of eight model calls of ${ANSWER_MS} ms, ms`, value: ran },
      { name: 'its replay, ms', value: replayed },
      { name: 'replay against run, times as fast', value: ran / replayed, goal: { atLeast: 100 } },
    ];
  } finally {
    await muster.close();
    await models.close();
  }
}
