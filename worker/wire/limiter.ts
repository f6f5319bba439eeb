import type { Database, DatabaseLog } from '../../database/transaction.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import { LimitSettingsSource } from '../../operations/limits/limit-settings-source.ts';
import { rateLimitsOf } from '../../operations/rate-limits.ts';
import type { RateLimits } from '../../operations/stores.ts';
import { AgentPlaces } from '../../redis/limits/agent-places.ts';
import { GuardedRedis } from '../../redis/limits/guarded-redis.ts';
import { ProcessSlots } from '../../redis/limits/process-slots.ts';
import { RateLimiter } from '../../redis/limits/rate-limiter.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';

/** What bounds the nodes of a worker, under the settings that the database holds. */
export interface WorkerLimits {
  readonly limiter: RateLimiter & RateLimits;
  readonly places: AgentPlaces;
  /** How many processes share the limits; at least 1. */
  readonly liveProcesses: () => number;
}

export function workerLimits(
  { database, redis, log }: { database: Database; redis: RedisConnections; log: DatabaseLog },
  settings: () => Promise<QueueSettings>,
): WorkerLimits {
  const source = new LimitSettingsSource({ database, log });
  const liveProcesses = () => source.liveProcesses();
  const slots = new ProcessSlots(new GuardedRedis(redis), { tenant: SYSTEM_TENANT, liveProcesses });
  const limiter = new RateLimiter({ redis, settings: () => source.current(), liveProcesses });
  return {
    liveProcesses,
    limiter: rateLimitsOf(limiter, source),
    places: new AgentPlaces({ slots, settings, log }),
  };
}
