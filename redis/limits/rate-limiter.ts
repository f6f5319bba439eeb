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
import { GuardedRedis, type GuardOptions } from './guarded-redis.ts';
import { LimitPlans } from './limit-plans.ts';
import { type LimitMode, type LimitPart, LimitStore } from './limit-store.ts';
import { LocalReservations } from './local-reservations.ts';
import { LocalShare } from './local-share.ts';

export interface RateLimiterOptions extends GuardOptions {
  readonly redis: RedisConnections;
  /** The settings that count now; asked for each call, so it must answer from memory. */
  readonly settings: () => LimitSettings | Promise<LimitSettings>;
  /** How many processes share the limits while Redis is unavailable. */
  readonly liveProcesses: () => number;
}

/** What a limiter has done since its process started. */
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
  /** How often Redis has begun to count as away. */
  readonly breakerOpened: number;
}

/** What a call that is closed during an outage is told to wait: as long as the next look at Redis may take. */
const CLOSED_RETRY_MS = 1_000;

/**
 * Answers calls under every limit that applies to them, all or none: a call that one limit refuses is charged to none.
 *
 * Redis decides, by its own clock, for all processes together. The limits of the tenant are asked in one script call; those
 * that tenants share lie in another hash slot, so they are asked second, and on their refusal the first are given back. A
 * process that dies between the two leaves the tenant charged for one call. When Redis is unavailable or hangs, the answer comes
 * from {@link OUTAGE_MATRIX} within 300 ms, and at once while Redis is known to be away.
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
  get isAway(): boolean {
    return this.#redis.isAway;
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
   * takes nothing more. A reservation that nobody settles stays charged as estimated.
   * @param options `id` defaults to a new one
   * @throws CostInvalid
   */
  async reserve(call: LimitedCall, { id = randomUUID() }: { id?: string } = {}): Promise<LimitReservation> {
    const decision = this.#count(await this.#decide(call, { reservation: id }));
    if (decision.allowed && decision.source === 'local') this.#localReservations.add(id, call.tokens ?? 0);
    return { ...decision, id, call };
  }

  /**
   * Replaces the estimate by the real number of tokens: gives back what was too much, charges what was too little, even
   * beyond the limit. Repeating it, within an hour, changes nothing.
   * @throws CostInvalid
   */
  async settle({ id, call, source }: LimitReservation, tokens: number): Promise<Settlement> {
    const most = Number.MAX_SAFE_INTEGER;
    if (!(tokens >= 0 && tokens <= most)) throw new CostInvalid('tokens', tokens, most);
    const parts = onlyTokens(await this.#partsOf(call));
    if (source === 'local') return this.#settleAlone(id, parts, tokens);
    let settlement: Settlement = 'settled';
    for (const part of parts) {
      const answer = await this.#store.settle(part, id, tokens);
      settlement = answer === null ? 'unreachable' : answer === 'refunded' ? settlement : answer;
    }
    return settlement;
  }

  /** How each limit of a call stands; takes nothing. */
  async status(call: LimitedCall): Promise<NamedAnswer[]> {
    const answers: NamedAnswer[] = [];
    for (const part of await this.#partsOf(call)) {
      const answered = await this.#store.ask(part, 'look');
      answers.push(...(answered ?? this.#local.ask(part.limits, { take: false })));
    }
    return answers;
  }

  /** Forgets what was taken under the limits of a call, and its blocks. False when Redis is unavailable: then only here. */
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

  /** Decides while Redis is unavailable. What is shared beyond the tenant keeps its limits whatever the class. */
  #decideAlone(call: LimitedCall, parts: readonly LimitPart[], mode: LimitMode): LimitDecision {
    const behaviour = OUTAGE_MATRIX[classOf(call)];
    const limits = parts.flatMap((part) => part.limits);
    if (behaviour === 'closed') {
      this.#counters.failedClosed += 1;
      const limit = limits[0]?.limit.limit ?? null;
      const wait = { resetMs: CLOSED_RETRY_MS, retryAfterMs: CLOSED_RETRY_MS };
      return { allowed: false, limit, remaining: 0, ...wait, deniedBy: 'redis', source: 'local' };
    }
    const kept = behaviour === 'open' ? limits.filter(isShared) : limits;
    this.#counters[kept.length === 0 ? 'failedOpen' : 'localShare'] += 1;
    const stands = typeof mode === 'object' && this.#localReservations.has(mode.reservation);
    return summarize(this.#local.ask(kept, { take: mode !== 'look' && !stands }), 'local');
  }

  #settleAlone(id: string, parts: readonly LimitPart[], tokens: number): Settlement {
    const settled = this.#localReservations.settle(id);
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

/** What a settlement corrects: the limits that count tokens. */
function onlyTokens(parts: readonly LimitPart[]): LimitPart[] {
  const left = parts.map((part) => ({ ...part, limits: part.limits.filter(({ countsTokens }) => countsTokens) }));
  return left.filter(({ limits }) => limits.length > 0);
}

/** @throws CostInvalid for a cost that no waiting makes fit */
function checkCosts(parts: readonly LimitPart[]): void {
  for (const { name, limit, cost } of parts.flatMap((part) => part.limits)) {
    const fits = cost >= 0 && cost <= limit.burst;
    if (!fits || (limit.algorithm === 'sliding_log' && !Number.isInteger(cost))) {
      throw new CostInvalid(name, cost, limit.burst);
    }
  }
}
