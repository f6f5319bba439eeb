import type { LimitDecision, LimitReservation, NamedAnswer, Settlement } from '../domain/limits/decision.ts';
import type { HandlerCall } from '../domain/limits/handler-limits.ts';
import type { LimitSettings } from '../domain/limits/limit-settings.ts';
import type { RateLimit } from '../domain/limits/rate-limit.ts';
import { setTier } from '../operations/limits/set.ts';
import { acquireSlot, once, reserveLimits } from '../operations/limits/take.ts';
import type { OperationNamespaces } from '../operations/register.ts';
import { plainCopy } from '../options/parse-options.ts';
import type { CooldownRequest, OnceAnswer } from '../redis/limits/once.ts';
import type { ProcessSlot, ProcessSlotAnswer, ProcessSlotRequest } from '../redis/limits/process-slots.ts';
import type { LimiterCounters } from '../redis/limits/rate-limiter.ts';
import { type Face, withArguments } from './face.ts';

/** A call as limits see it. The tenant is the client's. */
export type LimitCall = HandlerCall;

/** Who can have a tier: a tenant with all its users, or one user of the client's tenant. */
export type TierHolder = { readonly tenant: string } | { readonly user: string };

/**
 * Limits as programs use them and operators set them. Being limited is an answer, not an error. While Redis is
 * unavailable this process answers by the class of the call: see docs/limits.md.
 */
export interface Limits {
  /** Slots that limit how many of one thing happen at once, over all processes. */
  readonly slots: LimitSlots;
  /** What this process has asked and been answered. */
  readonly counters: LimiterCounters;
  /**
   * Takes the call's cost from every limit that applies to it, or from none.
   * @throws CostInvalid for a cost that never fits, OptionInvalid
   */
  take(call: LimitCall): Promise<LimitDecision>;
  /** Answers what {@link take} would, and takes nothing. @throws CostInvalid */
  check(call: LimitCall): Promise<LimitDecision>;
  /**
   * Takes like {@link take}, with an estimate of the tokens that {@link settle} replaces by the real number. Under the same
   * `id` a repetition takes nothing more.
   * @throws CostInvalid
   */
  reserve(call: LimitCall, options?: { readonly id?: string }): Promise<LimitReservation>;
  /** Replaces a reservation's estimate by the real number of tokens. Repeating it changes nothing. @throws CostInvalid */
  settle(reservation: LimitReservation, tokens: number): Promise<Settlement>;
  /** The state of each limit that applies to a call. Takes nothing. */
  status(call: LimitCall): Promise<NamedAnswer[]>;
  /**
   * Forgets what was taken under the limits that apply to a call, blocks included: also under limits that the call
   * shares with others. False when Redis is unavailable.
   */
  reset(call: LimitCall): Promise<boolean>;
  /** Starts the cooldown of a user's command, or says how long it still lasts. @throws CostInvalid */
  cooldown(request: Omit<CooldownRequest, 'tenant'>): Promise<OnceAnswer>;
  /** Allowed for the first call with the key, and for no other within the time, 180 s by default. @throws CostInvalid */
  once(key: string, seconds?: number): Promise<OnceAnswer>;
  /** All limits and tiers of the installation, as they are stored, over those that ship. */
  settings(): Promise<LimitSettings>;
  /**
   * Sets a limit of the installation: `endpoint:NAME`, `tenant:NAME`, `user:TENANT/NAME`, `provider:NAME`,
   * `model:NAME`, `global:all`, or `*` as the name for every other one; `/tokens` behind it counts tokens. Null means
   * no such limit, even where one ships; `'default'` removes the setting. Takes effect everywhere within two seconds
   * and is in the audit log.
   * @throws SettingsInvalid; nothing was changed
   */
  set(name: string, limit: RateLimit | null | 'default'): Promise<LimitSettings>;
  /** Gives a tenant or a user a tier; null removes it. Takes effect like {@link set}. @throws SettingsInvalid */
  setTier(holder: TierHolder, tier: string | null): Promise<LimitSettings>;
}

/** How many of one thing happen at once, over all processes. */
interface LimitSlots {
  /**
   * Takes a slot if one is free. If the answer is lost, the slot stays taken until its deadline.
   * @throws OptionInvalid, CostInvalid
   */
  acquire(key: string, request: ProcessSlotRequest): Promise<ProcessSlotAnswer>;
  /** Extends the deadline by the length of the lease. False when the slot is lost, or Redis does not answer. */
  renew(slot: ProcessSlot): Promise<boolean>;
  /** Gives the slot back. Repeating it changes nothing; if it fails, the slot is free after its deadline. */
  release(slot: ProcessSlot): Promise<void>;
}

/** @param operations those on limits, called as the face's caller */
export function limitsOf(face: Face, operations: OperationNamespaces['limits']): Limits {
  const { take, check, settle, status, reset, cooldown, view, set, renew, release } = operations;
  return {
    ...{ take, check, status, reset, cooldown },
    get counters() {
      return face.stores.rateLimits.counters;
    },
    slots: {
      acquire: async (key, request) => face.call(acquireSlot, withArguments('acquire', request, { key })),
      renew: (slot) => renew({ slot }),
      release: (slot) => release({ slot }),
    },
    reserve: async (call, options = {}) =>
      face.call(reserveLimits, withArguments('reserve', options, plainCopy('reserve', call))),
    settle: (reservation, tokens) => settle({ reservation, tokens }),
    once: (key, seconds) => face.call(once, { key, seconds }),
    settings: () => view({}),
    set: (name, limit) => set({ name, limit }),
    setTier: async (holder, tier) => face.call(setTier, withArguments('setTier', holder, { tier })),
  };
}
