import type { LimitSettings } from '../../domain/limits/limit-settings.ts';
import { isShared, type LimitedCall, limitsOfCall } from '../../domain/limits/limits-of-call.ts';
import type { RedisKeys } from '../keys.ts';
import type { LimitPart } from './limit-store.ts';

/** Calls whose limits are cached, in about 10 MB. Beyond this number the cache is emptied. */
const MAX_PLANS = 20_000;

/**
 * The limits that apply to a call and the keys of their counters. Cached for calls of the ordinary cost while the
 * settings are the same object, because working it out takes longer than the rest of this process's share of a check.
 */
export class LimitPlans {
  readonly #keys: RedisKeys;
  readonly #plans = new Map<string, readonly LimitPart[]>();
  #settings: LimitSettings | null = null;

  constructor(keys: RedisKeys) {
    this.#keys = keys;
  }

  /** The tenant's limits, then the shared ones; a part without limits is left out. */
  partsOf(settings: LimitSettings, call: LimitedCall): readonly LimitPart[] {
    if (call.cost !== undefined || call.tokens !== undefined) return this.#plan(settings, call);
    if (settings !== this.#settings) this.#plans.clear();
    this.#settings = settings;
    const name = JSON.stringify([call.tenant, call.user, call.endpoint, call.provider, call.model]);
    const known = this.#plans.get(name);
    if (known !== undefined) return known;
    const parts = this.#plan(settings, call);
    if (this.#plans.size >= MAX_PLANS) this.#plans.clear();
    this.#plans.set(name, parts);
    return parts;
  }

  #plan(settings: LimitSettings, call: LimitedCall): readonly LimitPart[] {
    const applied = limitsOfCall(settings, call);
    const part = (tenant: string | null): LimitPart => {
      const keys = this.#keys.limits(tenant);
      const own = applied.filter((limit) => isShared(limit) === (tenant === null));
      const limits = own.map((limit) => ({
        ...limit,
        key: keys.state({ ...limit, algorithm: limit.limit.algorithm }),
      }));
      return { tenant, limits };
    };
    return [part(call.tenant), part(null)].filter(({ limits }) => limits.length > 0);
  }
}
