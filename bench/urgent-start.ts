import { setTimeout as pause } from 'node:timers/promises';
import type { MusterUnderTest } from '../test/support/muster.ts';
import { oneQuickNode } from './graphs.ts';
import type { QueueBed } from './queue-bed.ts';
import type { Finding } from './report.ts';
import { percentile } from './rounds.ts';

const BACKLOG = 100_000;
const BATCH = 10_000;
const URGENT = 100;
const EVERY_MS = 60;
const RUNS = 5;

/**
 * How soon an urgent task starts that is submitted behind a hundred thousand of the lowest band, which continue to start.
 * Several runs, with the backlog filled up before each: what counts is the worst.
 */
export async function measureUrgent(muster: MusterUnderTest, bed: QueueBed): Promise<Finding[]> {
  const runs: { times: number[]; lowStarts: number }[] = [];
  for (let missing = BACKLOG; runs.length < RUNS; missing = runs.at(-1)?.lowStarts ?? 0) {
    await fillUp(muster, missing);
    runs.push(await urgentRun(muster, bed));
  }
  const times = runs.flatMap((run) => run.times);
  const worst = Math.max(...runs.map((run) => percentile(run.times, 0.99)));
  const fewest = Math.min(...runs.map((run) => run.lowStarts));
  return [
    { name: `urgent into ${BACKLOG} low ones, submit to start, p50 ms`, value: percentile(times, 0.5) },
    { name: `the same, p99 ms, the worst of ${RUNS} runs`, value: worst, goal: { atMost: 300 } },
    { name: 'low ones that started meanwhile, the fewest', value: fewest, goal: { atLeast: URGENT } },
  ];
}

async function fillUp({ client }: MusterUnderTest, missing: number): Promise<void> {
  for (let left = missing; left > 0; left -= BATCH) {
    const low = { input: { label: 'low' }, priority: 'low' as const };
    await client.submitMany(oneQuickNode.definition.name, Array(Math.min(left, BATCH)).fill(low));
  }
}

async function urgentRun({ client }: MusterUnderTest, bed: QueueBed): Promise<{ times: number[]; lowStarts: number }> {
  const startedAt = new Map<string, number>();
  let lowStarts = 0;
  const stop = bed.dispatch((task) => {
    if (task.priority === 'low') lowStarts += 1;
    else startedAt.set(task.execution.taskId, performance.now());
  });
  const submittedAt = new Map<string, number>();
  for (let urgent = 0; urgent < URGENT; urgent += 1) {
    const at = performance.now();
    const { id } = await client.submit(oneQuickNode.definition.name, { label: 'urgent' }, { priority: 'high' });
    submittedAt.set(id, at);
    await pause(EVERY_MS);
  }
  while (startedAt.size < URGENT) await pause(EVERY_MS);
  await stop();
  if (lowStarts >= BACKLOG) throw new Error('The backlog was gone before the last urgent task was submitted.');
  return { times: [...submittedAt].map(([id, at]) => (startedAt.get(id) ?? Number.NaN) - at), lowStarts };
}
