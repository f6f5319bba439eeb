import { LimitSettingsSource } from '../database/limit-settings.ts';
import type { Database } from '../database/transaction.ts';
import type { TenantId } from '../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { LimitDecision, LimitReservation, NamedAnswer, Settlement } from '../domain/limits/decision.ts';
import { RateLimited } from '../domain/limits/errors.ts';
import type { HandlerCall } from '../domain/limits/handler-limits.ts';
import { type LimitSettings, parseLimitSettings } from '../domain/limits/limit-settings.ts';
import type { RateLimit } from '../domain/limits/rate-limit.ts';
import { SettingsRepository } from '../entities/system/settings-repository.ts';
import { GuardedRedis } from '../redis/limits/guarded-redis.ts';
import { type CooldownRequest, type OnceAnswer, OnceKeys } from '../redis/limits/once.ts';
import { ProcessSlots } from '../redis/limits/process-slots.ts';
import { type LimiterCounters, RateLimiter } from '../redis/limits/rate-limiter.ts';
import type { RedisConnections } from '../redis/open-redis.ts';

/** What a program is about to do, as far as limits are concerned. The tenant is the client's. */
export type LimitCall = HandlerCall;

/** Who can have a tier: a tenant with all its users, or one user of the client's tenant. */
export type TierHolder = { readonly tenant: string } | { readonly user: string };

/**
 * The limits as a program uses and an operator sets them. Being limited is an answer and no error. While Redis is away the
 * answers come from this process, by the class of the call: see docs/limits.md.
 */
export class Limits {
  readonly #tenant: TenantId;
  readonly #database: Database;
  readonly #source: LimitSettingsSource;
  readonly #limiter: RateLimiter;
  readonly #once: OnceKeys;
  /** How many of one thing go on at once, over all processes. */
  readonly slots: ProcessSlots;

  constructor({ tenant, database, redis }: { tenant: TenantId; database: Database; redis: RedisConnections }) {
    const source = new LimitSettingsSource({ database });
    const liveProcesses = () => source.liveProcesses();
    const guarded = new GuardedRedis(redis);
    this.#tenant = tenant;
    this.#database = database;
    this.#source = source;
    this.#limiter = new RateLimiter({ redis, settings: () => source.current(), liveProcesses });
    this.#once = new OnceKeys(guarded);
    this.slots = new ProcessSlots(guarded, { tenant, liveProcesses });
  }

  /** What this process has asked and been answered. */
  get counters(): LimiterCounters {
    return this.#limiter.counters;
  }

  /**
   * Takes the call's cost from every limit that applies to it, or from none.
   * @throws CostInvalid for a cost that never fits
   */
  take(call: LimitCall): Promise<LimitDecision> {
    return this.#limiter.take({ ...call, tenant: this.#tenant });
  }

  /** Answers what {@link take} would, and takes nothing. @throws CostInvalid */
  check(call: LimitCall): Promise<LimitDecision> {
    return this.#limiter.check({ ...call, tenant: this.#tenant });
  }

  /**
   * Takes like {@link take}, with an estimate of the tokens that {@link settle} replaces by the real number. Under the same `id`
   * a repetition takes nothing more.
   * @throws CostInvalid
   */
  reserve(call: LimitCall, options: { readonly id?: string } = {}): Promise<LimitReservation> {
    return this.#limiter.reserve({ ...call, tenant: this.#tenant }, options);
  }

  /** Replaces a reservation's estimate by the real number of tokens. Repeating it changes nothing. @throws CostInvalid */
  settle(reservation: LimitReservation, tokens: number): Promise<Settlement> {
    return this.#limiter.settle(reservation, tokens);
  }

  /** How each limit that applies to a call stands. Takes nothing. */
  status(call: LimitCall): Promise<NamedAnswer[]> {
    return this.#limiter.status({ ...call, tenant: this.#tenant });
  }

  /**
   * Forgets what was taken under the limits that apply to a call, blocks included: also under those that the call shares with
   * others. False when Redis is away.
   */
  reset(call: LimitCall): Promise<boolean> {
    return this.#limiter.reset({ ...call, tenant: this.#tenant });
  }

  /** Starts the cooldown of a user's command, or says how long it still lasts. @throws CostInvalid */
  cooldown(request: Omit<CooldownRequest, 'tenant'>): Promise<OnceAnswer> {
    return this.#once.cooldown({ ...request, tenant: this.#tenant });
  }

  /** Allowed for the first call with the key, and for no other within the time, 180 s by default. @throws CostInvalid */
  once(key: string, seconds?: number): Promise<OnceAnswer> {
    return this.#once.once(this.#tenant, key, seconds);
  }

  /** All limits and tiers of the installation, as they are stored, over those that ship. */
  async settings(): Promise<LimitSettings> {
    const { single } = this.#database;
    return parseLimitSettings(
      await single.inSystem('configure', ({ em }) => new SettingsRepository(em).read('limits')),
    );
  }

  /**
   * Sets a limit of the installation: `endpoint:NAME`, `tenant:NAME`, `user:TENANT/NAME`, `provider:NAME`, `model:NAME`,
   * `global:all`, or `*` as the name for every other one; `/tokens` behind it counts tokens. Null means no such limit, even
   * where one ships; `'default'` takes the setting away. Counts everywhere within two seconds, and is in the audit log.
   * @throws SettingsInvalid; nothing was changed
   */
  set(name: string, limit: RateLimit | null | 'default'): Promise<LimitSettings> {
    const value = isLimit(limit) ? { ...limit } : limit;
    return this.#change('limits', name, value);
  }

  /** Gives a tenant or a user a tier; null takes it away. Counts like {@link set}. @throws SettingsInvalid */
  setTier(holder: TierHolder, tier: string | null): Promise<LimitSettings> {
    const value = tier ?? 'default';
    if ('tenant' in holder) return this.#change('tenantTiers', holder.tenant, value);
    return this.#change('userTiers', `${this.#tenant}/${holder.user}`, value);
  }

  /**
   * For submits: lets them pass unless a limit named `endpoint:submit` is set and used up.
   * @throws RateLimited
   */
  async admitSubmits(count: number, user?: string): Promise<void> {
    const settings = this.#source.current();
    const { limits } = settings instanceof Promise ? await settings : settings;
    if (!Object.hasOwn(limits, 'endpoint:submit')) return;
    const { allowed, ...decision } = await this.take({ endpoint: 'submit', cost: count, user });
    if (allowed) return;
    const { deniedBy, limit, remaining, retryAfterMs } = decision;
    throw new RateLimited({ deniedBy: deniedBy ?? '', limit: limit ?? 0, remaining: remaining ?? 0, retryAfterMs });
  }

  /** Only what was set is stored, so that a default that changes one day counts for all else. */
  async #change(part: 'limits' | 'tenantTiers' | 'userTiers', name: string, value: Json): Promise<LimitSettings> {
    const stored = await this.#database.inSystem('configure', ({ em }) =>
      new SettingsRepository(em).change('limits', 'client', (before) => {
        const settings = isJsonObject(before) ? before : {};
        const changed = { ...settings, [part]: withEntry(settings[part], name, value) };
        parseLimitSettings(changed);
        return changed;
      }),
    );
    const settings = parseLimitSettings(stored);
    this.#source.remember(settings);
    return settings;
  }
}

function isLimit(limit: RateLimit | null | 'default'): limit is RateLimit {
  return typeof limit === 'object' && limit !== null;
}

/** The entries with one of them set, or without it for `'default'`. */
function withEntry(entries: Json | undefined, name: string, value: Json): JsonObject {
  const { [name]: _before, ...others } = isJsonObject(entries) ? entries : {};
  return value === 'default' ? others : { ...others, [name]: value };
}
