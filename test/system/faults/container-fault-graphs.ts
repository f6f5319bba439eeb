import { z } from 'zod';
import { defineAgent, defineGraph, type HandlerContext } from '../../../index.ts';
import { sinkCalls } from '../../support/sink.ts';

/** Graphs within graphs for the fault tests: every call of a handler is a tally `seen`, under its path and attempt. */
export const ITEMS = 100;
const items = { value: Array.from({ length: ITEMS }, (_, index) => index) };
const input = z.object({ label: z.string() });
const done = z.object({});

async function seen(label: string, { nodeId, attempt }: HandlerContext): Promise<void> {
  await sinkCalls.post({
    key: `${label}/${nodeId}/seen/${attempt}`,
    subject: `seen ${label} ${nodeId.replaceAll('/', ':')}`,
    blind: true,
  });
}
const agent = (
  name: string,
  more: { quick?: boolean; work?: (label: string, context: HandlerContext) => Promise<unknown> },
) =>
  defineAgent({
    name,
    quick: more.quick ?? false,
    input,
    output: done,
    async handle({ label }, context) {
      await seen(label, context);
      await more.work?.(label, context);
      return {};
    },
  });

const post = (label: string, context: HandlerContext) =>
  context.effect('post', {
    request: {},
    whenInDoubt: 'repeat',
    call: async (key) => {
      await sinkCalls.post({ key, subject: `${label}/${context.nodeId}` });
      return null;
    },
  });
const work = agent('inner-work', { work: post });
const note = agent('inner-note', { quick: true });
const hold = agent('inner-hold', {
  work: (label, { nodeId, attempt, signal }) => sinkCalls.wait(`${label}/${nodeId}/${attempt}`, signal),
});
const ask = agent('inner-ask', { work: (_, { limits }) => limits.take({ provider: 'busy' }) });

const over = (name: string, step: typeof work, width: number, list: object = items) => {
  const inner = defineGraph({
    name: `${name}-item`,
    input: z.object({ label: z.string(), item: z.number(), index: z.number() }),
    nodes: {
      step: { agent: step, input: { label: '/task/label' } },
      note: { agent: note, input: { label: '/task/label' }, after: ['step'] },
    },
    output: '/task/item',
  });
  return defineGraph({
    name,
    input,
    nodes: { all: { each: inner, items: list as typeof items, width, input: { label: '/task/label' } } },
    output: { all: '/nodes/all' },
  });
};

/** Two steps each: more than three stretches take, so that the second is neither the first nor the last. */
export const ROUNDS = 400;
const round = defineGraph({
  name: 'quick-round',
  input: z.object({ label: z.string(), iteration: z.number() }),
  nodes: { note: { agent: note, input: { label: '/task/label' } } },
  output: { rounds: '/task/iteration' },
});
const rounds = defineGraph({
  name: 'quick-rounds',
  input,
  nodes: {
    all: {
      repeat: round,
      until: { pointer: '/output/rounds', is: 'gte', value: ROUNDS - 1 },
      most: ROUNDS,
      input: { label: '/task/label' },
    },
  },
  output: '/nodes/all',
});

const few = { value: [0, 1, 2, 3, 4, 5, 6, 7] };
export const graphs = [
  over('slow-items', work, 16),
  over('quick-items', note, 16),
  rounds,
  over('held-items', hold, 4, few),
  over('limited-items', ask, 4, few),
];
