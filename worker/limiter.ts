import { LimitSettingsSource } from '../database/limit-settings.ts';
import type { Database, DatabaseLog } from '../database/transaction.ts';
import { RateLimiter } from '../redis/limits/rate-limiter.ts';
import type { RedisConnections } from '../redis/open-redis.ts';

/** The limiter of a worker, under the limits that the database holds. */
export function workerLimiter(opened: { database: Database; redis: RedisConnections; log: DatabaseLog }): RateLimiter {
  const source = new LimitSettingsSource(opened);
  return new RateLimiter({
    redis: opened.redis,
    settings: () => source.current(),
    liveProcesses: () => source.liveProcesses(),
  });
}
