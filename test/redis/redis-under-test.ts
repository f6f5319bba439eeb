import { randomUUID } from 'node:crypto';
import { DEFAULT_TENANT, type TaskId, type TenantId } from '../../domain/ids.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import type { PriorityBand } from '../../domain/tasks/priority.ts';
import { type Job, JobQueue } from '../../redis/job-queue.ts';
import { type OpenRedisOptions, openRedis, type RedisConnections } from '../../redis/open-redis.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import { eventually } from '../support/eventually.ts';
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

export function queueOn(redis: RedisConnections, taskQueue = TASK_QUEUE, more: { holderMs?: number } = {}): JobQueue {
  return new JobQueue(redis, { taskQueue, ...more });
}

export function newTaskId(): TaskId {
  return randomUUID() as TaskId;
}

export function job(band: PriorityBand, createdAtMs: number, more: Partial<Job> = {}): Job {
  return { taskId: newTaskId(), tenant: DEFAULT_TENANT, band, createdAtMs, keys: [], ...more };
}

export function tenant(name: string): TenantId {
  return name as TenantId;
}

/** Settings with limits of nothing but what is given. */
export function settings(given: Partial<QueueSettings> = {}): QueueSettings {
  return { limits: {}, whileOccupying: [], weights: {}, paused: [], ageingSeconds: 60, ...given };
}

/** Jobs of all bands in turn, each a millisecond younger than the one before. */
export function manyJobs(count: number): Job[] {
  const bands = ['low', 'high', 'normal'] as const;
  return Array.from({ length: count }, (_, index) => job(bands[index % 3] ?? 'low', 1_700_000_000_000 + index));
}

/** Makes leases run out now, as if their time had passed. */
export async function runLeasesOut(redis: RedisConnections, ids: readonly TaskId[]): Promise<void> {
  const { leases } = redis.keys.queue(TASK_QUEUE);
  await redis.ask((commands) => commands.zadd(leases, 'XX', ...ids.flatMap((id) => [1, id])));
}

/** Makes the deadlines pass until which started tasks count as holding their slots. */
export async function runHoldersOut(redis: RedisConnections, ids: readonly TaskId[], atMs = 1): Promise<void> {
  const { holders } = redis.keys.queue(TASK_QUEUE);
  await redis.ask((commands) => commands.zadd(holders, 'XX', ...ids.flatMap((id) => [atMs, id])));
}

/** Counts the hints that jobs wait, from now on. */
export async function countHints(redis: RedisConnections): Promise<() => number> {
  let hints = -1;
  new WakeUps(redis, { taskQueue: TASK_QUEUE }).onJob(() => {
    hints += 1;
  });
  await eventually(() => hints === 0, { what: 'the subscription' });
  return () => hints;
}

export async function* inBatches(jobs: readonly Job[], size = 1_000): AsyncGenerator<readonly Job[]> {
  for (let start = 0; start < jobs.length; start += size) yield jobs.slice(start, start + size);
}
