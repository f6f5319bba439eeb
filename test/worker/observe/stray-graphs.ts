import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineGraph } from '../../../index.ts';

/** A graph whose agent leaves something behind that fails after the node has ended. */
const anything = z.record(z.string(), z.json());

const LEFT: Readonly<Record<string, () => void>> = {
  promise: () => void pause(20).then(() => Promise.reject({ status: 503 })),
  timer: () =>
    void setTimeout(() => {
      throw new Error('a timer that was left behind');
    }, 20),
  nothing: () => undefined,
};

const parts = { input: z.object({ leaves: z.string() }), output: z.null() };
const handle = ({ leaves }: { leaves: string }) => {
  LEFT[leaves]?.();
  return null;
};
const slow = defineAgent({ ...parts, name: 'slow-leaver', handle });
const quick = defineAgent({ ...parts, name: 'quick-leaver', quick: true, handle });

export const graphs = [
  defineGraph({
    name: 'leaving',
    input: anything,
    nodes: {
      slow: { agent: slow, input: { leaves: '/task/leaves' } },
      quick: { agent: quick, input: { leaves: '/task/leaves' }, after: ['slow'] },
    },
    output: '/nodes/quick',
  }),
];
