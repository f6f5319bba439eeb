import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineGraph, type HandlerContext } from '../../../index.ts';
import { sinkCalls } from '../../support/sink.ts';

/** Graphs of quick nodes, whose tasks share executions, for workers that die. */
const labelled = z.object({ label: z.string() });
/** Longer than a wave stays open, so that every node has a wave of its own. */
const LAG_MS = 50;
const lagging = labelled.extend({ lagMs: z.number().default(LAG_MS) });

/** How long the event loop is blocked by a task whose label says so. */
export const BLOCK_MS = 30_000;

/** Tells the sink that a node runs: each run of it is a subject of its own, as it is no effect of the ledger. */
async function tell({ nodeId }: HandlerContext, label: string): Promise<void> {
  const key = `${label}/${nodeId}/${process.pid}/${performance.now()}`;
  await sinkCalls.post({ key, subject: `${label}/${nodeId}` });
}

const teller = defineAgent({
  name: 'teller',
  quick: true,
  input: lagging,
  output: lagging,
  async handle({ label, lagMs }, context) {
    await tell(context, label);
    if (label.startsWith('block') && context.nodeId === 'one') {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS);
    }
    await pause(lagMs);
    return { label, lagMs };
  },
});

/** More than the event loop may be blocked, so that no neighbour is told that it took too long. */
const budget = { timeoutMs: 2 * BLOCK_MS };

/** Three quick nodes in a row, each in a wave of its own. */
const told = defineGraph({
  name: 'told',
  input: lagging,
  nodes: {
    one: { agent: teller, input: '/task', budget },
    two: { agent: teller, input: '/nodes/one', budget },
    three: { agent: teller, input: '/nodes/two', budget },
  },
  output: '/nodes/three',
});

/** Kills its process for tasks whose label says so. */
const taster = defineAgent({
  name: 'taster',
  quick: true,
  input: labelled,
  output: labelled,
  async handle({ label }) {
    if (label.startsWith('poison')) process.kill(process.pid, 'SIGKILL');
    await pause(1);
    return { label };
  },
});
const tasted = defineGraph({
  name: 'tasted',
  input: labelled,
  nodes: { taste: { agent: taster, input: { label: '/task/label' } } },
  output: '/nodes/taste',
});

export const graphs = [told, tasted];
