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

/** How soon an urgent task starts that is submitted behind a hundred thousand of the lowest band, which go on starting. */
export async function measureUrgent({ client }: MusterUnderTest, bed: QueueBed): Promise<Finding[]> {
  const graph = oneQuickNode.definition.name;
  const low = Array.from({ length: BATCH }, () => ({ input: { label: 'low' }, priority: 'low' as const }));
  for (let submitted = 0; submitted < BACKLOG; submitted += BATCH) await client.submitMany(graph, low);
  const startedAt = new Map<string, number>();
  let lowStarts = 0;
  const stop = bed.dispatch((task) => {
    if (task.priority === 'low') lowStarts += 1;
    else startedAt.set(task.execution.taskId, performance.now());
  });
  const submittedAt = new Map<string, number>();
  for (let urgent = 0; urgent < URGENT; urgent += 1) {
    const at = performance.now();
    const { id } = await client.submit(graph, { label: 'urgent' }, { priority: 'high' });
    submittedAt.set(id, at);
    await pause(EVERY_MS);
  }
  while (startedAt.size < URGENT) await pause(EVERY_MS);
  await stop();
  const times = [...submittedAt].map(([id, at]) => (startedAt.get(id) ?? Number.NaN) - at);
  if (lowStarts >= BACKLOG) throw new Error('The backlog was gone before the last urgent task was submitted.');
  return [
    { name: `urgent into ${BACKLOG} low ones, submit to start, p50 ms`, value: percentile(times, 0.5) },
    { name: 'the same, p99 ms', value: percentile(times, 0.99), goal: { atMost: 1_000 } },
    { name: 'low ones that started meanwhile', value: lowStarts, goal: { atLeast: URGENT } },
  ];
}
