import { MusterError } from '../../domain/errors.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';

/** Redis may drop keys when memory is short. Nothing was started. */
export class RedisEvicts extends MusterError {
  readonly code = 'redis_evicts';
  readonly retryable = false;
  constructor(address: string, policy: string, maxBytes: number) {
    super(
      `Redis at ${address} evicts keys (${policy}) once it holds ${maxBytes} bytes: waiting tasks would stand still until ` +
        'they are found missing. Set its maxmemory-policy to noeviction, or MUSTER_REDIS_ALLOW_EVICTION=1.',
      { address, policy, maxBytes },
    );
  }
}

/**
 * Refuses a Redis with a memory limit and a policy that evicts. One that is unavailable or does not say passes: work continues
 * without it. @throws RedisEvicts
 */
export async function requireNoEviction(redis: RedisConnections, isAllowed: boolean): Promise<void> {
  if (isAllowed) return;
  const memory = await redis.ask((commands) => commands.info('memory')).catch(() => '');
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction';
  const maxBytes = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0);
  if (policy !== 'noeviction' && maxBytes > 0) throw new RedisEvicts(redis.address, policy, maxBytes);
}
