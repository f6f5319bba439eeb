import { z } from 'zod';
import { defineAgent, defineGraph } from '../../index.ts';

/** Graphs of the tests of health, for workers in processes of their own. */
const anything = z.record(z.string(), z.json());

const worker = defineAgent({ name: 'worker', input: anything, output: z.null(), handle: () => null });

/** Asks for the same thing forever, and never gets anywhere, until it is stopped. */
const looper = defineAgent({
  name: 'looper',
  input: anything,
  output: z.null(),
  async handle(_input, context) {
    for (let round = 0; !context.signal.aborted; round += 1) {
      await context.effect(`ask ${round}`, { request: { question: 1 }, whenInDoubt: 'repeat', call: async () => null });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return null;
  },
});

/** Works for as long as it may, and asks for nothing. */
const waiter = defineAgent({
  name: 'waiter',
  input: anything,
  output: z.null(),
  handle: (_input, { signal }) =>
    new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true })),
});

export const graphs = [
  defineGraph({ name: 'plain', input: anything, nodes: { work: { agent: worker } }, output: '/nodes/work' }),
  defineGraph({ name: 'waiting', input: anything, nodes: { wait: { agent: waiter } }, output: '/nodes/wait' }),
  defineGraph({ name: 'endless', input: anything, nodes: { loop: { agent: looper } }, output: '/nodes/loop' }),
];
