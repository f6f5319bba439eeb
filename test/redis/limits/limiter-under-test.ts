import type { Json, JsonObject } from '../../../domain/json.ts';
import { parseLimitSettings } from '../../../domain/limits/limit-settings.ts';
import type { RateLimit } from '../../../domain/limits/rate-limit.ts';
import { RateLimiter, type RateLimiterOptions } from '../../../redis/limits/rate-limiter.ts';
import type { RedisConnections } from '../../../redis/open-redis.ts';

/** A limiter with these limits over the ones that ship. Redis may take long: other programs share the machine. */
export function limiterWith(
  redis: RedisConnections,
  limits: Readonly<Record<string, RateLimit | null>>,
  options: Partial<RateLimiterOptions> & { readonly more?: JsonObject } = {},
): RateLimiter {
  const settings = parseLimitSettings({ limits: limits as unknown as Json, ...options.more });
  return new RateLimiter({ redis, settings: () => settings, liveProcesses: () => 1, timeoutMs: 10_000, ...options });
}

/** Moves the clock of everything that was counted back, as if so much time had passed. */
export async function letTimePass(redis: RedisConnections, tenant: string, seconds: number): Promise<void> {
  await redis.ask(async (commands) => {
    for (const key of await limitKeys(redis, tenant)) await age(commands, key, seconds * 1_000_000);
  });
}

/** Every key that is kept for a tenant's limits; null for those that tenants share. */
export async function limitKeys(redis: RedisConnections, tenant: string | null): Promise<string[]> {
  const base = redis.keys.limits(tenant).reservation('').replace('reservation:', '');
  return (await redis.ask((commands) => commands.keys(`${base}*`))).sort();
}

type Commands = Parameters<Parameters<RedisConnections['ask']>[0]>[0];

async function age(commands: Commands, key: string, us: number): Promise<void> {
  if ((await commands.type(key)) === 'zset') {
    const entries = await commands.zrange(key, '0', '-1', 'WITHSCORES');
    for (let index = 0; index < entries.length; index += 2) {
      await commands.zadd(key, Number(entries[index + 1]) - us, entries[index] ?? '');
    }
    return;
  }
  const leftMs = (await commands.pttl(key)) - us / 1_000;
  if (leftMs <= 0) await commands.del(key);
  else await commands.pexpire(key, Math.ceil(leftMs));
  const state = await commands.getBuffer(key);
  if (state?.length !== 16) return;
  state.writeDoubleLE(state.readDoubleLE(8) - us, 8);
  await commands.set(key, state, 'KEEPTTL');
}
