import type { Database, DatabaseLog } from '../../database/transaction.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import { LimitSettingsSource, rateLimitsOf } from '../../operations/limits/limit-settings-source.ts';
import type { RateLimits } from '../../operations/stores.ts';
import { AgentPlaces } from '../../redis/limits/agent-places.ts';
import { GuardedRedis } from '../../redis/limits/guarded-redis.ts';
import { ProcessSlots } from '../../redis/limits/process-slots.ts';
import { RateLimiter } from '../../redis/limits/rate-limiter.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';

/** The limits on a worker's nodes, according to the settings in the database. */
export interface WorkerLimits {
  readonly limiter: RateLimiter & RateLimits;
  readonly places: AgentPlaces;
  /** How many processes share the limits; at least 1. */
  readonly liveProcesses: () => number;
}

/** @throws what an outage of the database is: a worker that does not know the limits must run nothing */
export async function workerLimits(
  { database, redis, log }: { database: Database; redis: RedisConnections; log: DatabaseLog },
  settings: () => Promise<QueueSettings>,
): Promise<WorkerLimits> {
  const source = new LimitSettingsSource({ database, log });
  await source.load();
  const liveProcesses = () => source.liveProcesses();
  const slots = new ProcessSlots(new GuardedRedis(redis), { tenant: SYSTEM_TENANT, liveProcesses });
  const limiter = new RateLimiter({ redis, settings: () => source.current(), liveProcesses });
  return {
    liveProcesses,
    limiter: rateLimitsOf(limiter, source),
    places: new AgentPlaces({ slots, settings, log }),
  };
}
