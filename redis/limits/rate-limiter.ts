import { randomUUID } from 'node:crypto';
import {
  type LimitDecision,
  type LimitReservation,
  type NamedAnswer,
  type Settlement,
  summarize,
  UNLIMITED,
} from '../../domain/limits/decision.ts';
import { CostInvalid } from '../../domain/limits/limit-errors.ts';
import type { LimitSettings } from '../../domain/limits/limit-settings.ts';
import { isShared, type LimitedCall } from '../../domain/limits/limits-of-call.ts';
import { classOf, OUTAGE_MATRIX } from '../../domain/limits/outage.ts';
import type { RedisConnections } from '../open-redis.ts';
import { PROBE_EVERY_MS } from './breaker.ts';
import { GuardedRedis, type GuardOptions } from './guarded-redis.ts';
import { LimitPlans } from './limit-plans.ts';
import { type LimitMode, type LimitPart, LimitStore } from './limit-store.ts';
import { LocalShare } from './local-share.ts';

/** Beyond this number the oldest reservation is forgotten and stays charged as estimated. */
const MAX_RESERVATIONS = 10_000;

/** The reservations that a process made without Redis. */
class LocalReservations {
  /** The tokens of each; null once it is settled. */
  readonly #reservations = new Map<string, number | null>();

  /** Whether it is known, settled or not. */
  has(id: string): boolean {
    return this.#reservations.has(id);
  }

  /** Keeps a known one as it is. */
  add(id: string, tokens: number): void {
    if (this.#reservations.has(id)) return;
    this.#reservations.set(id, tokens);
    const oldest = this.#reservations.keys().next().value;
    if (this.#reservations.size > MAX_RESERVATIONS && oldest !== undefined) this.#reservations.delete(oldest);
  }

  /** Its tokens for the first call, then `repeated`. `unknown` if another process made it. */
  settle(id: string): { readonly reserved: number } | 'repeated' | 'unknown' {
    const reserved = this.#reservations.get(id);
    if (reserved === undefined) return 'unknown';
    if (reserved === null) return 'repeated';
    this.#reservations.set(id, null);
    return { reserved };
  }
}

export interface RateLimiterOptions extends GuardOptions {
  readonly redis: RedisConnections;
  /** The current settings. Called for each request, so it must answer from memory. */
  readonly settings: () => LimitSettings | Promise<LimitSettings>;
  /** How many processes share the limits while Redis is unavailable. */
  readonly liveProcesses: () => number;
}

/** The decisions of a limiter since its process started. */
export interface LimiterCounters {
  readonly allowed: number;
  readonly denied: number;
  /** Decided without Redis, and allowed because the class is open. */
  readonly failedOpen: number;
  /** Decided without Redis, and refused because the class is closed. */
  readonly failedClosed: number;
  /** Decided without Redis, from this process's share. */
  readonly localShare: number;
  /** Questions that Redis did not answer in time. */
  readonly unanswered: number;
  /** How often Redis became unavailable. */
  readonly breakerOpened: number;
}

/**
 * Checks calls against every limit that applies, all or none: a call that one limit refuses is charged to none.
 *
 * Redis decides, by its own clock, for all processes together. One script call checks the tenant's limits; the shared
 * ones are in another hash slot, so they are checked second, and if they refuse, the first are refunded. If a process
 * dies between the two, the tenant is charged for one call. When Redis is unavailable or hangs, the answer comes from
 * {@link OUTAGE_MATRIX} within 300 ms, and at once while Redis is known to be unavailable.
 */
export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #redis: GuardedRedis;
  readonly #store: LimitStore;
  readonly #local: LocalShare;
  readonly #plans: LimitPlans;
  readonly #localReservations = new LocalReservations();
  readonly #counters = { allowed: 0, denied: 0, failedOpen: 0, failedClosed: 0, localShare: 0 };

  constructor(options: RateLimiterOptions) {
    const { redis, liveProcesses, nowMs = () => performance.now() } = options;
    this.#options = options;
    this.#redis = new GuardedRedis(redis, options);
    this.#store = new LimitStore(this.#redis);
    this.#plans = new LimitPlans(redis.keys);
    this.#local = new LocalShare({ liveProcesses, nowMs });
  }

  get counters(): LimiterCounters {
    return { ...this.#counters, ...this.#redis.counters };
  }

  /** Whether decisions are made without Redis now. */
  get isUnavailable(): boolean {
    return this.#redis.isUnavailable;
  }

  /** Takes the call's cost from all its limits, if there is room in all. @throws CostInvalid */
  async take(call: LimitedCall): Promise<LimitDecision> {
    return this.#count(await this.#decide(call, 'take'));
  }

  /** Answers what {@link take} would, and takes nothing. @throws CostInvalid */
  check(call: LimitedCall): Promise<LimitDecision> {
    return this.#decide(call, 'look');
  }

  /**
   * Takes like {@link take}, with an estimate of the tokens, which {@link settle} corrects. Under the same `id` a repetition
   * by the same tenant takes nothing more. A reservation that nobody settles stays charged as estimated.
   * @param options `id` defaults to a new one
   * @throws CostInvalid
   */
  async reserve(call: LimitedCall, { id = randomUUID() }: { id?: string } = {}): Promise<LimitReservation> {
    const reservation = nameOf(call, id);
    const decision = this.#count(await this.#decide(call, { reservation }));
    if (decision.allowed && decision.source === 'local') this.#localReservations.add(reservation, call.tokens ?? 0);
    return { ...decision, id, call };
  }

  /**
   * Replaces the estimate by the real number of tokens: refunds what was too much and charges what was too little, even
   * beyond the limit. Repeating it within an hour changes nothing.
   * @throws CostInvalid
   */
  async settle({ id, call, source }: LimitReservation, tokens: number): Promise<Settlement> {
    const most = Number.MAX_SAFE_INTEGER;
    if (!(tokens >= 0 && tokens <= most)) throw new CostInvalid('tokens', tokens, most);
    const parts = onlyTokens(await this.#partsOf(call));
    const reservation = nameOf(call, id);
    if (source === 'local') return this.#settleAlone(reservation, parts, tokens);
    let settlement: Settlement = 'settled';
    for (const part of parts) {
      const answer = await this.#store.settle(part, reservation, tokens);
      settlement = answer === null ? 'unreachable' : answer === 'refunded' ? settlement : answer;
    }
    return settlement;
  }

  /** The state of each limit of a call. Takes nothing. */
  async status(call: LimitedCall): Promise<NamedAnswer[]> {
    const answers: NamedAnswer[] = [];
    for (const part of await this.#partsOf(call)) {
      const answered = await this.#store.ask(part, 'look');
      answers.push(...(answered ?? this.#local.ask(part.limits, { take: false })));
    }
    return answers;
  }

  /**
   * Forgets what was taken under the limits of a call, and its blocks. False when Redis is unavailable: then only this
   * process forgets.
   */
  async reset(call: LimitedCall): Promise<boolean> {
    let forgotten = true;
    for (const part of await this.#partsOf(call)) {
      this.#local.forget(part.limits);
      forgotten = (await this.#store.forget(part)) !== null && forgotten;
    }
    return forgotten;
  }

  async #decide(call: LimitedCall, mode: LimitMode): Promise<LimitDecision> {
    const parts = await this.#partsOf(call);
    if (parts.length === 0) return UNLIMITED;
    checkCosts(parts);
    const answers: NamedAnswer[] = [];
    const taken: LimitPart[] = [];
    for (const part of parts) {
      const answered = await this.#store.ask(part, mode);
      if (answered === null) return this.#decideAlone(call, parts, mode);
      answers.push(...answered);
      this.#local.observe(part.limits, answered);
      if (mode === 'look' || answered.every(({ allowed }) => allowed)) {
        taken.push(part);
        continue;
      }
      await Promise.all(taken.map((earlier) => this.#store.refund(earlier, mode)));
      break;
    }
    return summarize(answers, 'redis');
  }

  /** Decides while Redis is unavailable. Limits that tenants share apply to every class. */
  #decideAlone(call: LimitedCall, parts: readonly LimitPart[], mode: LimitMode): LimitDecision {
    const behaviour = OUTAGE_MATRIX[classOf(call)];
    const limits = parts.flatMap((part) => part.limits);
    if (behaviour === 'closed') {
      this.#counters.failedClosed += 1;
      const limit = limits[0]?.limit.limit ?? null;
      const wait = { resetMs: PROBE_EVERY_MS, retryAfterMs: PROBE_EVERY_MS };
      return { allowed: false, limit, remaining: 0, ...wait, deniedBy: 'redis', source: 'local' };
    }
    const kept = behaviour === 'open' ? limits.filter(isShared) : limits;
    this.#counters[kept.length === 0 ? 'failedOpen' : 'localShare'] += 1;
    const stands = typeof mode === 'object' && this.#localReservations.has(mode.reservation);
    return summarize(this.#local.ask(kept, { take: mode !== 'look' && !stands }), 'local');
  }

  #settleAlone(reservation: string, parts: readonly LimitPart[], tokens: number): Settlement {
    const settled = this.#localReservations.settle(reservation);
    if (typeof settled === 'string') return settled;
    for (const limit of parts.flatMap((part) => part.limits)) this.#local.adjust(limit, tokens - settled.reserved);
    return 'settled';
  }

  async #partsOf(call: LimitedCall): Promise<readonly LimitPart[]> {
    const settings = this.#options.settings();
    return this.#plans.partsOf(settings instanceof Promise ? await settings : settings, call);
  }

  #count(decision: LimitDecision): LimitDecision {
    this.#counters[decision.allowed ? 'allowed' : 'denied'] += 1;
    return decision;
  }
}

/** A reservation's unique name. It includes whose counters were charged, so that a settlement corrects no others. */
function nameOf({ tenant, user, endpoint, provider, model }: LimitedCall, id: string): string {
  return JSON.stringify([tenant, user, endpoint, provider, model, id]);
}

/** The limits that count tokens, which a settlement corrects. */
function onlyTokens(parts: readonly LimitPart[]): LimitPart[] {
  const left = parts.map((part) => ({ ...part, limits: part.limits.filter(({ countsTokens }) => countsTokens) }));
  return left.filter(({ limits }) => limits.length > 0);
}

/** @throws CostInvalid for a cost that can never fit */
function checkCosts(parts: readonly LimitPart[]): void {
  for (const { name, limit, cost } of parts.flatMap((part) => part.limits)) {
    const fits = cost >= 0 && cost <= limit.burst;
    if (!fits || (limit.algorithm === 'sliding_log' && !Number.isInteger(cost))) {
      throw new CostInvalid(name, cost, limit.burst);
    }
  }
}
