import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { connect, defineAgent, defineGraph, type HandlerContext } from '../../../index.ts';

/** Graphs whose tasks stay where they are until a file is in the folder `LET_GO`, for workers in processes of their own. */
const anything = z.record(z.string(), z.json());
const nothing = z.object({});

async function whenThere(file: string, { signal }: HandlerContext): Promise<Record<string, never>> {
  while (!existsSync(join(process.env.LET_GO ?? '', file))) await pause(100, undefined, { signal });
  return {};
}
const holding = (name: string, file: string) =>
  defineAgent({ name, input: anything, output: nothing, handle: (_, context) => whenThere(file, context) });

const agents = {
  held: holding('held', 'all'),
  early: holding('early', 'early'),
  plain: defineAgent({ name: 'plain', input: anything, output: nothing, handle: () => ({}) }),
  rare: defineAgent({ name: 'rare', input: anything, output: nothing, handle: () => ({}) }),
  /** Pauses the task that it works for. */
  pausing: defineAgent({
    name: 'pausing',
    input: anything,
    output: nothing,
    async handle(_, { taskId }) {
      const muster = await connect();
      await muster.task(taskId).pause();
      await muster.close();
      return {};
    },
  }),
  limited: defineAgent({
    name: 'limited',
    input: anything,
    output: nothing,
    async handle(_, { limits }) {
      await limits.take({ provider: 'busy' });
      return {};
    },
  }),
  failing: defineAgent({
    name: 'failing',
    input: anything,
    output: nothing,
    retry: { firstMs: 60_000 },
    handle(_, { attempt }) {
      if (attempt === 1) throw new Error('the first attempt fails');
      return {};
    },
  }),
};

const after = { agent: agents.plain, after: ['first'] as const };
const parked = (name: string, agent: (typeof agents)[keyof typeof agents]) =>
  defineGraph({ name, input: anything, nodes: { first: { agent }, last: after }, output: '/nodes/last' });
const inner = defineGraph({
  name: 'inner',
  input: anything,
  nodes: { first: { agent: agents.held }, last: after },
  output: { iteration: '/task/iteration' },
});

const flat = [
  parked('parked-slow', agents.held),
  parked('parked-paused', agents.pausing),
  parked('parked-limited', agents.limited),
  parked('parked-retried', agents.failing),
  // For its agent, which a worker without the one below needs too.
  parked('early', agents.early),
];
const unhosted = defineGraph({
  name: 'parked-unhosted',
  input: anything,
  nodes: { first: { agent: agents.early }, last: { agent: agents.rare, after: ['first'] } },
  output: '/nodes/last',
});
const containers = [
  defineGraph({
    name: 'parked-each',
    input: anything,
    nodes: { all: { each: inner, items: { value: [1, 2, 3, 4, 5] }, width: 2, input: { iteration: { value: 0 } } } },
    output: { all: '/nodes/all' },
  }),
  defineGraph({
    name: 'parked-repeat',
    input: anything,
    nodes: { all: { repeat: inner, until: { pointer: '/output/iteration', is: 'gte', value: 2 } } },
    output: '/nodes/all',
  }),
];

export const graphs = [
  ...flat,
  ...(process.env.LACKS_RARE === undefined ? [unhosted] : []),
  ...(process.env.LACKS_CONTAINERS === undefined ? containers : []),
];
