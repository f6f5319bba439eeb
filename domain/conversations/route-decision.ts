import { isJsonObject, type Json } from '../json.ts';

/** What a router may choose from, and what holds where it chooses nothing that is there. */
export interface RouteRules {
  readonly routes: readonly string[];
  readonly fallback: string;
  /** The providers of context. The first one is always asked. */
  readonly context: readonly string[];
  /** The temperature of answers where the router names none: 0 to 2. */
  readonly temperature: number;
}

/** Where a turn goes. */
export interface RouteDecision {
  readonly route: string;
  /** The providers of context that are asked. */
  readonly context: readonly string[];
  /** Whether the answer may use tools. */
  readonly tools: boolean;
  readonly temperature: number;
  readonly reason: string;
  /** Whether it is the default, because the router gave nothing that can be used. */
  readonly isDefault: boolean;
}

/**
 * What a router said, held to the rules. Anything but a route that is there gives the default: the fallback with the first
 * provider and tools. A part that cannot be used has its own default.
 */
export function decideRoute(said: Json, rules: RouteRules): RouteDecision {
  const [first, ...others] = rules.context;
  const always = first === undefined ? [] : [first];
  if (!isJsonObject(said) || !rules.routes.some((route) => route === said.route)) {
    const reason = said === null ? 'the router gave no answer' : 'the router named no route that is there';
    const { fallback: route, temperature } = rules;
    return { route, context: always, tools: true, temperature, reason, isDefault: true };
  }
  const { context: asked, temperature, reason } = said;
  const wanted = Array.isArray(asked) ? others.filter((name) => asked.includes(name)) : others;
  const fits = typeof temperature === 'number' && temperature >= 0 && temperature <= 2;
  return {
    route: String(said.route),
    context: [...always, ...wanted],
    tools: said.tools !== false,
    temperature: fits ? temperature : rules.temperature,
    reason: typeof reason === 'string' ? reason.slice(0, MOST_REASON).toWellFormed() : '',
    isDefault: false,
  };
}

const MOST_REASON = 1_000;
