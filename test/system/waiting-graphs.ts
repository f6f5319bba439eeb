import { z } from 'zod';
import { connect, defineAgent, defineGraph, type Muster } from '../../index.ts';

/** Graphs of the test of waiting tasks, for workers in processes of their own. */
const anything = z.record(z.string(), z.json());

let client: Promise<Muster> | null = null;

/** Pauses the task that it works for, so that nothing follows until somebody resumes it. */
const pauser = defineAgent({
  name: 'pauser',
  input: anything,
  output: z.object({}),
  async handle(_input, { taskId }) {
    client ??= connect();
    await (await client).task(taskId).pause();
    return {};
  },
});
const worker = defineAgent({ name: 'worker', input: anything, output: z.object({}), handle: () => ({}) });

const pausing = defineGraph({
  name: 'pausing',
  input: anything,
  nodes: { first: { agent: pauser }, second: { agent: worker, after: ['first'] } },
  output: '/nodes/second',
});
const plain = defineGraph({
  name: 'plain',
  input: anything,
  nodes: { work: { agent: worker } },
  output: '/nodes/work',
});

export const graphs = [pausing, plain];
