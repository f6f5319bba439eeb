import { createEmptyDatabase } from '../test/support/databases.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import { oneQuickNode } from './graphs.ts';
import { measureLease } from './lease-speed.ts';
import { startPeer } from './peer-process.ts';
import { openQueueBed, type QueueBed } from './queue-bed.ts';
import type { Finding } from './report.ts';
import { mediansInTurns } from './rounds.ts';
import { measureUrgent } from './urgent-start.ts';

const TASKS = 10_000;
/** Fewer, because its default runner carries out one job at a time. */
const JOBS = 2_000;
export const HANDLERS = ['agent:one-quick-node-step'];

/** From the queue to the start: a deep lease, an urgent task behind a deep backlog, and plain throughput. */
export async function measureDispatch(muster: MusterUnderTest): Promise<Finding[]> {
  await muster.client.publish([oneQuickNode]);
  const bed = await openQueueBed(muster, HANDLERS);
  try {
    return [
      ...(await measureLease(muster)),
      ...(await measureThroughput(muster, bed)),
      ...(await measureUrgent(muster, bed)),
    ];
  } finally {
    await bed.close();
  }
}

/** Claims and starts that do nothing, against what graphile-worker carries out with its default settings. */
async function measureThroughput(muster: MusterUnderTest, bed: QueueBed): Promise<Finding[]> {
  const database = await createEmptyDatabase(muster.stack, 'graphile');
  const graphile = await startPeer('graphile.ts', database.ownerUrl);
  try {
    const ours = () => startAll(muster, bed);
    const theirs = async () => (1_000 * JOBS) / (await graphile.drain(JOBS));
    const medians = await mediansInTurns([ours, theirs], (measure) => measure());
    const [rate = Number.NaN, theirRate = Number.NaN] = medians.values();
    return [
      { name: 'claimed and started without work, tasks/s', value: rate, goal: { atLeast: 3_000 } },
      { name: 'graphile-worker, default drain, jobs/s', value: theirRate },
      { name: "starts against graphile-worker's default drain", value: rate / theirRate, goal: { atLeast: 1 } },
    ];
  } finally {
    await graphile.close();
    await database.drop();
  }
}

async function startAll({ client }: MusterUnderTest, bed: QueueBed): Promise<number> {
  const items = Array.from({ length: TASKS }, () => ({ input: { label: 'bench' } }));
  await client.submitMany(oneQuickNode.definition.name, items);
  const done = Promise.withResolvers<void>();
  let started = 0;
  const startedAt = performance.now();
  const stop = bed.dispatch(() => {
    started += 1;
    if (started === TASKS) done.resolve();
  });
  await done.promise;
  const tookMs = performance.now() - startedAt;
  await stop();
  return (1_000 * TASKS) / tookMs;
}
