import type { RouteHealth } from '../domain/models/model-health.ts';
import type { RedisConnections } from './open-redis.ts';

/** How long it is shown after the last call of any model. */
const KEPT_SECONDS = 3_600;

/** How the ways to models do, as workers last told it: the newest of each way, whichever worker it is from. */
export class ModelHealthBoard {
  readonly #redis: RedisConnections;

  constructor(redis: RedisConnections) {
    this.#redis = redis;
  }

  async tell({ provider, id, health, isOpen }: RouteHealth): Promise<void> {
    const key = this.#redis.keys.modelHealth();
    const field = JSON.stringify([provider, id]);
    await this.#redis.ask((redis) =>
      Promise.all([redis.hset(key, field, JSON.stringify([health, isOpen])), redis.expire(key, KEPT_SECONDS)]),
    );
  }

  async read(): Promise<readonly RouteHealth[]> {
    const told = await this.#redis.ask((redis) => redis.hgetall(this.#redis.keys.modelHealth()));
    return Object.entries(told).flatMap(([field, value]) => parsed(field, value) ?? []);
  }
}

/** Null for what other programs wrote under the key. */
function parsed(field: string, value: string): RouteHealth | null {
  try {
    const [provider, id] = JSON.parse(field) as unknown[];
    const [health, isOpen] = JSON.parse(value) as unknown[];
    const isHealth = typeof health === 'number' && typeof isOpen === 'boolean';
    return typeof provider === 'string' && typeof id === 'string' && isHealth ? { provider, id, health, isOpen } : null;
  } catch {
    return null;
  }
}
