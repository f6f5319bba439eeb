import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';

/** The peer for limits: rate-limiter-flexible over ioredis, each with its default settings. */
export interface FlexibleLimiter {
  /** Whether one more call under the key is within the limit. */
  take(key: string): Promise<boolean>;
  close(): Promise<void>;
}

export async function openFlexibleLimiter(options: {
  redisUrl: string;
  prefix: string;
  limit: number;
  perSeconds: number;
}): Promise<FlexibleLimiter> {
  const redis = new Redis(options.redisUrl);
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: options.prefix,
    points: options.limit,
    duration: options.perSeconds,
  });
  return {
    take: (key) =>
      limiter.consume(key).then(
        () => true,
        (refusal: unknown) => {
          if (refusal instanceof Error) throw refusal;
          return false;
        },
      ),
    close: async () => {
      await redis.quit();
    },
  };
}
