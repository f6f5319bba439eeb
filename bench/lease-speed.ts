import { v7 as uuid } from 'uuid';
import type { TaskId, TenantId } from '../domain/ids.ts';
import { PRIORITY_BANDS } from '../domain/tasks/priority.ts';
import { type Job, JobQueue } from '../redis/job-queue.ts';
import { openRedis } from '../redis/open-redis.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import type { Finding } from './report.ts';
import { percentile } from './rounds.ts';

const DEPTH = 100_000;
const TENANTS = 50;
const LEASES = 300;
/** As many as a worker has places by default, which is what it asks for when it is empty; and the largest batch. */
const SIZES = [50, 500];
const LEASE_MS = 60_000;
const silent = { info: () => {}, warn: () => {} };

/** How long a lease takes while a hundred thousand jobs of fifty tenants wait in three bands. */
export async function measureLease({ environment }: MusterUnderTest): Promise<Finding[]> {
  const prefix = `${environment.MUSTER_REDIS_PREFIX?.slice(0, 20)}-deep`;
  const redis = await openRedis({ url: environment.MUSTER_REDIS_URL ?? '', prefix, log: silent });
  const queue = new JobQueue(redis, { taskQueue: 'deep' });
  try {
    const startedAt = performance.now();
    await queue.enqueue(Array.from({ length: DEPTH }, (_, index) => jobAt(index)));
    const enqueueSeconds = (performance.now() - startedAt) / 1_000;
    const findings: Finding[] = [{ name: `enqueue ${DEPTH} jobs, s`, value: enqueueSeconds, goal: { atMost: 5 } }];
    for (const max of SIZES) {
      const times = await leaseTimes(queue, max);
      findings.push({ name: `lease of ${max} from ${DEPTH}, p50 ms`, value: percentile(times, 0.5) });
      const name = `lease of ${max} from ${DEPTH}, p99 ms`;
      findings.push({ name, value: percentile(times, 0.99), goal: { atMost: 20 } });
    }
    return findings;
  } finally {
    await redis.close();
  }
}

/** Every lease is given back before the next one, so that the queue stays as deep as it is. */
async function leaseTimes(queue: JobQueue, max: number): Promise<number[]> {
  const times: number[] = [];
  for (let lease = 0; lease < LEASES; lease += 1) {
    const startedAt = performance.now();
    const jobs = await queue.lease({ max, leaseMs: LEASE_MS });
    times.push(performance.now() - startedAt);
    if (jobs.length !== max) throw new Error(`Expected a lease of ${max} jobs, found ${jobs.length}.`);
    await queue.giveBack(jobs.map((job) => job.taskId));
  }
  return times;
}

function jobAt(index: number): Job {
  const tenant = `tenant-${index % TENANTS}` as TenantId;
  return {
    taskId: uuid() as TaskId,
    tenant,
    band: PRIORITY_BANDS[index % PRIORITY_BANDS.length] ?? 'normal',
    createdAtMs: 1_700_000_000_000 + index,
    keys: [`tenant:${tenant}`, 'graph:bench'],
  };
}
