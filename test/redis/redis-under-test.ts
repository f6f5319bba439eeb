import { randomUUID } from 'node:crypto';
import type { TaskId } from '../../domain/ids.ts';
import type { PriorityBand } from '../../domain/tasks/priority.ts';
import { type Job, JobQueue } from '../../redis/job-queue.ts';
import { type OpenRedisOptions, openRedis, type RedisConnections } from '../../redis/open-redis.ts';
import { redisPrefix, sharedStack } from '../support/stack.ts';

export const TASK_QUEUE = 'muster';

/** A log that nobody reads. */
export const SILENT_LOG = { info: () => undefined, warn: () => undefined };

/**
 * Connections under a prefix of their own, to the run's Redis unless a URL is given. Where a test does not look at
 * deadlines, commands may take long: other programs share the machine.
 */
export async function openTestRedis(options: Partial<OpenRedisOptions> = {}): Promise<RedisConnections> {
  const url = options.url ?? (await sharedStack()).redisUrl;
  return openRedis({ prefix: redisPrefix('redis'), commandTimeoutMs: 10_000, log: SILENT_LOG, ...options, url });
}

export function queueOn(redis: RedisConnections, taskQueue = TASK_QUEUE): JobQueue {
  return new JobQueue(redis, { taskQueue });
}

export function newTaskId(): TaskId {
  return randomUUID() as TaskId;
}

export function job(band: PriorityBand, createdAtMs: number, taskId = newTaskId()): Job {
  return { taskId, band, createdAtMs };
}

/** Jobs of all bands in turn, each a millisecond younger than the one before. */
export function manyJobs(count: number): Job[] {
  const bands = ['low', 'high', 'normal'] as const;
  return Array.from({ length: count }, (_, index) => job(bands[index % 3] ?? 'low', 1_700_000_000_000 + index));
}

/** Makes leases run out now, as if their time had passed. */
export async function runLeasesOut(redis: RedisConnections, ids: readonly TaskId[]): Promise<void> {
  const [, , , leases] = redis.keys.queue(TASK_QUEUE).all;
  await redis.ask((commands) => commands.zadd(leases, 'XX', ...ids.flatMap((id) => [1, id])));
}

export async function* inBatches(jobs: readonly Job[], size = 1_000): AsyncGenerator<readonly Job[]> {
  for (let start = 0; start < jobs.length; start += size) yield jobs.slice(start, start + size);
}
