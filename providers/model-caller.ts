import { inputTokensOf, type ModelRoom } from '../domain/models/context-budget.ts';
import { type ModelCost, NO_COST } from '../domain/models/model-cost.ts';
import { throwAfter } from '../domain/models/model-errors.ts';
import { healthAfter, type ModelHealth, type RouteHealth, UNKNOWN_HEALTH } from '../domain/models/model-health.ts';
import type { FindKey, ModelAnswer, ModelRequest } from '../domain/models/model-messages.ts';
import type { ModelRoute, ModelSettings, ProviderSettings } from '../domain/models/model-settings.ts';
import {
  type Breaker,
  CLOSED,
  callBegins,
  callFailed,
  PATIENCE_MS,
  waitOfBreaker,
} from '../domain/models/provider-breaker.ts';
import { type CountTokens, requestTokens } from '../domain/models/token-count.ts';
import { costMicros, usageOf } from '../domain/models/usage.ts';
import { lostBy, type Missed, missedBy, noAnswer, untried } from './missed-ways.ts';
import { routesOf } from './model-routes.ts';
import type { ProviderOutcome } from './provider-outcome.ts';
import { loadCounters } from './tokens.ts';

/** On whose behalf a model is called, and how long it may take. */
export interface ModelCall {
  readonly tenant: string;
  readonly user: string | null;
  /** The call throws its reason when it aborts. */
  readonly signal: AbortSignal;
  /**
   * Hears the text as it comes, in pieces that are together the answer's. `start` grows where a stream broke off and the
   * answer begins anew at the next provider: what was heard before does not count then. What it throws ends the call, which
   * throws the same.
   */
  readonly onText?: ((delta: string, start: number) => void) | undefined;
  /** Hears in the same way which of its tools the model begins to call. */
  readonly onTool?: ((tool: string, start: number) => void) | undefined;
  readonly findKey: FindKey;
  /** Of the whole call over all providers. @defaultValue 300,000, which is the most */
  readonly callMs?: number;
  /** How long a stream may be silent. @defaultValue 60,000; a shorter silence never counts against the provider */
  readonly idleMs?: number;
}

/** Calls models by their names in the settings. */
export interface ModelCaller {
  /** The most that a call can come to, for the budget reservation. @throws ModelCallFailed `model_unknown` */
  estimate(request: ModelRequest): ModelCost;
  /**
   * What a model takes whichever way it is called, its tokens never counted too low.
   * @param provider the only one that may be called; by default all that the model has
   * @throws ModelCallFailed `model_unknown`
   */
  room(model: string, provider?: string): ModelRoom;
  /**
   * Calls the model at its providers in order. The next one is tried where one is unavailable, or has no key. Each
   * repetition is a new call that costs again, and so may a way that broke off: the answer says how much (`lost`), and of
   * whatever is thrown `lostWith` does.
   * @throws ModelCallFailed where there is no answer; `model_unavailable` alone is worth repeating
   */
  call(request: ModelRequest, call: ModelCall): Promise<ModelAnswer>;
  /** The provider whose key a call of the model looks for first; null where it needs none, or there is no such model. */
  keyOf(model: string): string | null;
  /** Of the models that can be asked for. */
  names(): readonly string[];
  /** What this process knows of the ways to all models. */
  health(): readonly RouteHealth[];
}

const CALL_MS = 300_000;

type RouteAnswer = Omit<ModelAnswer, 'lost' | 'start'>;
type RouteCall = ModelCall & { readonly callMs: number; readonly start: number };

/**
 * Makes the caller of a process: it keeps breakers and health in memory. Loads what counts tokens, and no client yet.
 * @param onHealth hears the health of a way after each call of it
 */
export async function openModelCaller(
  settings: ModelSettings,
  onHealth: (changed: RouteHealth) => void = () => undefined,
): Promise<ModelCaller> {
  const ids = Object.values(settings.models).flatMap((routes) => routes.map(({ id }) => id));
  return new SettledModels(settings, await loadCounters(ids), onHealth);
}

class SettledModels implements ModelCaller {
  readonly #settings: ModelSettings;
  readonly #counterOf: (id: string) => CountTokens;
  readonly #onHealth: (changed: RouteHealth) => void;
  readonly #breakers = new Map<string, Breaker>();
  readonly #health = new Map<string, ModelHealth>();

  constructor(
    settings: ModelSettings,
    counterOf: (id: string) => CountTokens,
    onHealth: (changed: RouteHealth) => void,
  ) {
    this.#settings = settings;
    this.#counterOf = counterOf;
    this.#onHealth = onHealth;
  }

  estimate(request: ModelRequest): ModelCost {
    const each = this.#routesOf(request.model, request.provider).map((route) => this.#estimateOf(request, route));
    return {
      tokens: Math.max(...each.map(({ tokens }) => tokens)),
      costMicros: Math.max(...each.map((one) => one.costMicros)),
    };
  }

  #estimateOf(request: ModelRequest, route: ModelRoute): ModelCost {
    const inputTokens = requestTokens(request, this.#counterOf(route.id));
    const outputTokens = Math.min(request.maxOutputTokens ?? route.maxOutputTokens, route.maxOutputTokens);
    const usage = { inputTokens, cachedTokens: 0, outputTokens, reasoningTokens: 0 };
    return { tokens: inputTokens + outputTokens, costMicros: costMicros(usage, route.prices) };
  }

  room(model: string, provider?: string): ModelRoom {
    const routes = this.#routesOf(model, provider);
    const counters = [...new Set(routes.map(({ id }) => this.#counterOf(id)))];
    return {
      inputTokens: Math.min(...routes.map(inputTokensOf)),
      count: (text) => Math.max(...counters.map((count) => count(text))),
    };
  }

  async call(request: ModelRequest, call: ModelCall): Promise<ModelAnswer> {
    const missed: Missed[] = [];
    const endedBy = (error: unknown) => throwAfter(error, lostBy(missed));
    const endsAtMs = performance.now() + Math.min(call.callMs ?? CALL_MS, CALL_MS);
    for (const [start, route] of this.#routesOf(request.model, request.provider).entries()) {
      const callMs = Math.ceil(endsAtMs - performance.now());
      const tried =
        callMs <= 0
          ? untried(route, 'no time was left')
          : await this.#tryRoute(request, route, { ...call, callMs, start }).catch(endedBy);
      if ('usage' in tried) return { ...tried, start, lost: lostBy(missed) };
      missed.push(tried);
      if (tried.refusal !== null) break;
    }
    throw noAnswer(request.model, missed);
  }

  keyOf(model: string): string | null {
    const { models, providers } = this.#settings;
    const first = Object.hasOwn(models, model) ? models[model]?.[0]?.provider : undefined;
    return first === undefined || providers[first]?.key === 'none' ? null : first;
  }

  names(): readonly string[] {
    return Object.keys(this.#settings.models);
  }

  health(): readonly RouteHealth[] {
    const routes = Object.values(this.#settings.models).flat();
    const ways = new Map(routes.map((route) => [wayOf(route), route]));
    return [...ways.values()].map((route) => this.#healthOf(route));
  }

  #healthOf({ provider, id }: ModelRoute): RouteHealth {
    const health = this.#health.get(wayOf({ provider, id })) ?? UNKNOWN_HEALTH;
    const isOpen = waitOfBreaker(this.#breakers.get(provider) ?? CLOSED, performance.now()) !== null;
    return { provider, id, health, isOpen };
  }

  #routesOf(model: string, only?: string): readonly ModelRoute[] {
    return routesOf(this.#settings, model, only);
  }

  async #tryRoute(request: ModelRequest, route: ModelRoute, call: RouteCall): Promise<RouteAnswer | Missed> {
    const { provider } = route;
    const settings = this.#settings.providers[provider];
    const breaker = this.#breakers.get(provider) ?? CLOSED;
    const waitMs = waitOfBreaker(breaker, performance.now());
    if (settings === undefined || waitMs !== null) {
      return untried(route, 'its circuit breaker is open after repeated failures', { retryAfterMs: waitMs });
    }
    // Before anything is awaited: else everybody who waits for a key would be the one probe.
    const begun = callBegins(breaker, performance.now());
    this.#breakers.set(provider, begun);
    try {
      return await this.#callRoute(request, route, { ...call, settings });
    } finally {
      // A call that has said nothing of the provider leaves its probe to the next one.
      if (this.#breakers.get(provider) === begun) this.#breakers.set(provider, breaker);
    }
  }

  async #callRoute(
    request: ModelRequest,
    route: ModelRoute,
    call: RouteCall & { readonly settings: ProviderSettings },
  ): Promise<RouteAnswer | Missed> {
    const { provider } = route;
    const { settings } = call;
    const found = await keyFor(provider, settings, call.findKey);
    if (found === null) return untried(route, 'it has no key', { keyIsMissing: true });
    const beganAtMs = performance.now();
    const { callProvider } = await import('./call-provider.ts');
    const { onText, onTool, start } = call;
    const outcome = await callProvider({
      ...{ provider: settings, route, key: found.key, request },
      ...{ signal: call.signal, callMs: call.callMs, idleMs: call.idleMs ?? PATIENCE_MS },
      onText: (delta) => onText?.(delta, start),
      onTool: (tool) => onTool?.(tool, start),
    });
    this.#note(route, outcome, performance.now() - beganAtMs);
    if (outcome.answer === null) {
      const lost = outcome.paid === 'no' ? NO_COST : this.#estimateOf(request, route);
      return { ...missedBy(request.model, { provider, source: found.source }, outcome), lost };
    }
    const estimate = {
      inputTokens: requestTokens(request, this.#counterOf(route.id)),
      outputTokens: this.#counterOf(route.id)(outcome.answer.text + JSON.stringify(outcome.answer.calls)),
    };
    const usage = usageOf(outcome.usage, estimate);
    const cost = costMicros(usage, route.prices);
    return { ...outcome.answer, provider, model: route.id, usage, costMicros: cost, keySource: found.source };
  }

  #note(route: ModelRoute, outcome: ProviderOutcome, tookMs: number): void {
    const sign = outcome.answer === null ? outcome.sign : 'well';
    if (sign === 'none') return;
    const breaker = this.#breakers.get(route.provider) ?? CLOSED;
    this.#breakers.set(route.provider, sign === 'well' ? CLOSED : callFailed(breaker, performance.now()));
    const isRefused = outcome.answer === null && outcome.verdict.kind !== 'retry';
    if (isRefused) return;
    const health = this.#health.get(wayOf(route)) ?? UNKNOWN_HEALTH;
    this.#health.set(wayOf(route), healthAfter(health, outcome.answer === null ? null : tookMs));
    this.#onHealth(this.#healthOf(route));
  }
}

function wayOf({ provider, id }: Pick<ModelRoute, 'provider' | 'id'>): string {
  return `${provider} ${id}`;
}

async function keyFor(
  provider: string,
  { key }: ProviderSettings,
  findKey: FindKey,
): Promise<{ readonly key: string | null; readonly source: string } | null> {
  return key === 'none' ? { key: null, source: 'none' } : findKey(provider);
}
