import type { LimitDecision, LimitReservation, NamedAnswer, Settlement } from '../domain/limits/decision.ts';
import type { HandlerCall } from '../domain/limits/handler-limits.ts';
import type { LimitSettings } from '../domain/limits/limit-settings.ts';
import type { RateLimit } from '../domain/limits/rate-limit.ts';
import { cooldown, once } from '../operations/limits/once.ts';
import { reserveLimits, settleLimits } from '../operations/limits/reserve.ts';
import { setRateLimit, setTier } from '../operations/limits/set.ts';
import { checkLimits, limitStatus, resetLimits, takeLimits } from '../operations/limits/take.ts';
import { viewLimits } from '../operations/limits/view.ts';
import type { CooldownRequest, OnceAnswer } from '../redis/limits/once.ts';
import type { LimiterCounters } from '../redis/limits/rate-limiter.ts';
import { CheckedSlots } from './checked-slots.ts';
import { type Face, plainCopy, withArguments } from './face.ts';

/** What a program is about to do, as far as limits are concerned. The tenant is the client's. */
export type LimitCall = HandlerCall;

/** Who can have a tier: a tenant with all its users, or one user of the client's tenant. */
export type TierHolder = { readonly tenant: string } | { readonly user: string };

/**
 * The limits as a program uses and an operator sets them. Being limited is an answer and not an error. While Redis is
 * unavailable the answers come from this process, by the class of the call: see docs/limits.md.
 */
export class Limits {
  readonly #face: Face;
  /** How many of one thing happen at once, over all processes. */
  readonly slots: CheckedSlots;

  constructor(face: Face) {
    this.#face = face;
    this.slots = new CheckedSlots(face);
  }

  /** What this process has asked and been answered. */
  get counters(): LimiterCounters {
    return this.#face.stores.rateLimits.counters;
  }

  /**
   * Takes the call's cost from every limit that applies to it, or from none.
   * @throws CostInvalid for a cost that never fits, OptionInvalid
   */
  take(call: LimitCall): Promise<LimitDecision> {
    return this.#face.call(takeLimits, call);
  }

  /** Answers what {@link take} would, and takes nothing. @throws CostInvalid */
  check(call: LimitCall): Promise<LimitDecision> {
    return this.#face.call(checkLimits, call);
  }

  /**
   * Takes like {@link take}, with an estimate of the tokens that {@link settle} replaces by the real number. Under the same
   * `id` a repetition takes nothing more.
   * @throws CostInvalid
   */
  async reserve(call: LimitCall, options: { readonly id?: string } = {}): Promise<LimitReservation> {
    return this.#face.call(reserveLimits, withArguments('reserve', options, plainCopy('reserve', call)));
  }

  /** Replaces a reservation's estimate by the real number of tokens. Repeating it changes nothing. @throws CostInvalid */
  settle(reservation: LimitReservation, tokens: number): Promise<Settlement> {
    return this.#face.call(settleLimits, { reservation, tokens });
  }

  /** How each limit that applies to a call stands. Takes nothing. */
  status(call: LimitCall): Promise<NamedAnswer[]> {
    return this.#face.call(limitStatus, call);
  }

  /**
   * Forgets what was taken under the limits that apply to a call, blocks included: also under those that the call shares with
   * others. False when Redis is unavailable.
   */
  reset(call: LimitCall): Promise<boolean> {
    return this.#face.call(resetLimits, call);
  }

  /** Starts the cooldown of a user's command, or says how long it still lasts. @throws CostInvalid */
  cooldown(request: Omit<CooldownRequest, 'tenant'>): Promise<OnceAnswer> {
    return this.#face.call(cooldown, request);
  }

  /** Allowed for the first call with the key, and for no other within the time, 180 s by default. @throws CostInvalid */
  once(key: string, seconds?: number): Promise<OnceAnswer> {
    return this.#face.call(once, { key, seconds });
  }

  /** All limits and tiers of the installation, as they are stored, over those that ship. */
  settings(): Promise<LimitSettings> {
    return this.#face.call(viewLimits, {});
  }

  /**
   * Sets a limit of the installation: `endpoint:NAME`, `tenant:NAME`, `user:TENANT/NAME`, `provider:NAME`, `model:NAME`,
   * `global:all`, or `*` as the name for every other one; `/tokens` behind it counts tokens. Null means no such limit, even
   * where one ships; `'default'` takes the setting away. Counts everywhere within two seconds, and is in the audit log.
   * @throws SettingsInvalid; nothing was changed
   */
  set(name: string, limit: RateLimit | null | 'default'): Promise<LimitSettings> {
    return this.#face.call(setRateLimit, { name, limit });
  }

  /** Gives a tenant or a user a tier; null takes it away. Counts like {@link set}. @throws SettingsInvalid */
  async setTier(holder: TierHolder, tier: string | null): Promise<LimitSettings> {
    return this.#face.call(setTier, withArguments('setTier', holder, { tier }));
  }
}
