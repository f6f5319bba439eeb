import { LimitSettingsSource } from '../database/limit-settings-source.ts';
import type { Database } from '../database/transaction.ts';
import type { TenantId } from '../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { LimitDecision, LimitReservation, NamedAnswer, Settlement } from '../domain/limits/decision.ts';
import type { HandlerCall } from '../domain/limits/handler-limits.ts';
import { RateLimited } from '../domain/limits/limit-errors.ts';
import { type LimitSettings, parseLimitSettings } from '../domain/limits/limit-settings.ts';
import type { RateLimit } from '../domain/limits/rate-limit.ts';
import { SettingsRepository } from '../entities/system/settings-repository.ts';
import { OptionInvalid } from '../options/parse-options.ts';
import { GuardedRedis } from '../redis/limits/guarded-redis.ts';
import { type CooldownRequest, type OnceAnswer, OnceKeys } from '../redis/limits/once.ts';
import { ProcessSlots } from '../redis/limits/process-slots.ts';
import { type LimiterCounters, RateLimiter } from '../redis/limits/rate-limiter.ts';
import type { RedisConnections } from '../redis/open-redis.ts';
import { CheckedSlots } from './checked-slots.ts';
import {
  cooldownRequest,
  limitCalls,
  limitName,
  onceKey,
  onceSeconds,
  rateLimit,
  reservationArgument,
  reserveOptions,
  tierArgument,
  tierHolder,
  tokensArgument,
} from './options/limit-options.ts';

/** What a program is about to do, as far as limits are concerned. The tenant is the client's. */
export type LimitCall = HandlerCall;

/** Who can have a tier: a tenant with all its users, or one user of the client's tenant. */
export type TierHolder = { readonly tenant: string } | { readonly user: string };

/**
 * The limits as a program uses and an operator sets them. Being limited is an answer and no error. While Redis is unavailable the
 * answers come from this process, by the class of the call: see docs/limits.md.
 */
export class Limits {
  readonly #tenant: TenantId;
  readonly #database: Database;
  readonly #source: LimitSettingsSource;
  readonly #limiter: RateLimiter;
  readonly #once: OnceKeys;
  /** How many of one thing go on at once, over all processes. */
  readonly slots: CheckedSlots;

  constructor({ tenant, database, redis }: { tenant: TenantId; database: Database; redis: RedisConnections }) {
    const source = new LimitSettingsSource({ database });
    const liveProcesses = () => source.liveProcesses();
    const guarded = new GuardedRedis(redis);
    this.#tenant = tenant;
    this.#database = database;
    this.#source = source;
    this.#limiter = new RateLimiter({ redis, settings: () => source.current(), liveProcesses });
    this.#once = new OnceKeys(guarded);
    this.slots = new CheckedSlots(new ProcessSlots(guarded, { tenant, liveProcesses }));
  }

  /** What this process has asked and been answered. */
  get counters(): LimiterCounters {
    return this.#limiter.counters;
  }

  /**
   * Takes the call's cost from every limit that applies to it, or from none.
   * @throws CostInvalid for a cost that never fits, OptionInvalid
   */
  async take(call: LimitCall): Promise<LimitDecision> {
    return this.#limiter.take({ ...limitCalls.take(call), tenant: this.#tenant });
  }

  /** Answers what {@link take} would, and takes nothing. @throws CostInvalid */
  async check(call: LimitCall): Promise<LimitDecision> {
    return this.#limiter.check({ ...limitCalls.check(call), tenant: this.#tenant });
  }

  /**
   * Takes like {@link take}, with an estimate of the tokens that {@link settle} replaces by the real number. Under the same `id`
   * a repetition takes nothing more.
   * @throws CostInvalid
   */
  async reserve(call: LimitCall, options: { readonly id?: string } = {}): Promise<LimitReservation> {
    return this.#limiter.reserve({ ...limitCalls.reserve(call), tenant: this.#tenant }, reserveOptions(options));
  }

  /** Replaces a reservation's estimate by the real number of tokens. Repeating it changes nothing. @throws CostInvalid */
  async settle(reservation: LimitReservation, tokens: number): Promise<Settlement> {
    return this.#limiter.settle(reservationArgument(reservation), tokensArgument(tokens));
  }

  /** How each limit that applies to a call stands. Takes nothing. */
  async status(call: LimitCall): Promise<NamedAnswer[]> {
    return this.#limiter.status({ ...limitCalls.status(call), tenant: this.#tenant });
  }

  /**
   * Forgets what was taken under the limits that apply to a call, blocks included: also under those that the call shares with
   * others. False when Redis is unavailable.
   */
  async reset(call: LimitCall): Promise<boolean> {
    return this.#limiter.reset({ ...limitCalls.reset(call), tenant: this.#tenant });
  }

  /** Starts the cooldown of a user's command, or says how long it still lasts. @throws CostInvalid */
  async cooldown(request: Omit<CooldownRequest, 'tenant'>): Promise<OnceAnswer> {
    return this.#once.cooldown({ ...cooldownRequest(request), tenant: this.#tenant });
  }

  /** Allowed for the first call with the key, and for no other within the time, 180 s by default. @throws CostInvalid */
  async once(key: string, seconds?: number): Promise<OnceAnswer> {
    return this.#once.once(this.#tenant, onceKey(key), onceSeconds(seconds));
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
  async set(name: string, limit: RateLimit | null | 'default'): Promise<LimitSettings> {
    const value = limit === null || limit === 'default' ? limit : { ...rateLimit(limit) };
    return this.#change('limits', limitName(name), value);
  }

  /** Gives a tenant or a user a tier; null takes it away. Counts like {@link set}. @throws SettingsInvalid */
  async setTier(holder: TierHolder, tier: string | null): Promise<LimitSettings> {
    const { tenant, user } = tierHolder(holder);
    const value = tierArgument(tier) ?? 'default';
    if (tenant !== undefined && user === undefined) return this.#change('tenantTiers', tenant, value);
    if (user !== undefined && tenant === undefined) {
      return this.#change('userTiers', `${this.#tenant}/${user}`, value);
    }
    throw new OptionInvalid('setTier', ['`holder` must have either a tenant or a user']);
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

/** The entries with one of them set, or without it for `'default'`. */
function withEntry(entries: Json | undefined, name: string, value: Json): JsonObject {
  const { [name]: _before, ...others } = isJsonObject(entries) ? entries : {};
  return value === 'default' ? others : { ...others, [name]: value };
}
