import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { MANY_KEYS, WIDE } from '../limits.ts';
import { type Peer, serve } from './serve.ts';

/** The peer for limits: rate-limiter-flexible over ioredis, each with its default settings. */
async function openFlexibleLimiter(redisUrl: string): Promise<Peer> {
  const redis = new Redis(redisUrl);
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: 'flexible',
    points: WIDE.limit,
    duration: WIDE.perSeconds,
  });
  let next = 0;
  return {
    works: {
      oneKey: () => limiter.consume('user-0'),
      manyKeys: () => {
        next = (next + 1) % MANY_KEYS;
        return limiter.consume(`user-${next}`);
      },
    },
    close: async () => {
      await redis.quit();
    },
  };
}

await serve(openFlexibleLimiter);
