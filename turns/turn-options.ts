import type { HandlerReference } from '../domain/agents/define-handler.ts';
import { CANARY_BUDGET, type CanaryBudget } from '../domain/canaries/canary.ts';
import { REVIEW_DEFAULTS, type ReviewRules } from '../domain/conversations/review.ts';
import { MusterError } from '../domain/errors.ts';
import type { Graph } from '../domain/graphs/defined-graph.ts';
import { nameOf } from '../domain/graphs/read-unknown.ts';
import { isJsonObject } from '../domain/json.ts';

export type TurnAgent = HandlerReference & { readonly kind: 'agent' };

/** What answers: an agent or a graph. Its output is a text, or has one as `reply`; `null` or the silence marker says nothing. */
export type TurnTarget = TurnAgent | Graph;

/** A turn of a conversation, made of agents and graphs. */
export interface TurnOptions<Route extends string = string> {
  /** The graph's name: a lower-case letter, then up to 55 of a–z, 0–9 and hyphen. */
  readonly name: string;
  /** @defaultValue '' */
  readonly description?: string;
  /** What can answer, 1 to 20 of them by name. Each is given `{ text, user, agent, history, context, tools, temperature, draft, notes }`. */
  readonly routes: { readonly [Name in Route]: TurnTarget };
  /**
   * Chooses a route. It is given `{ text, history, routes, context }` and returns `{ route, context?, tools?, temperature?,
   * reason? }`. Whatever else it returns, or if it fails, the turn takes the fallback. @defaultValue always the fallback
   */
  readonly router?: TurnAgent;
  /**
   * Whether the turns before count in the choice: a follow-up stays with the route that answered last, a complaint moves it
   * away. The router may say how sure it is (`confidence`, or `candidates` by name) and that the input complains
   * (`feedback: 'negative'`). See docs/conversations.md. @defaultValue false
   */
  readonly selection?: boolean;
  /** @defaultValue the first route */
  readonly fallback?: NoInfer<Route>;
  /** The temperature of answers where the router names none: 0 to 2. @defaultValue 0.8 */
  readonly temperature?: number;
  /** Providers of context, at most 20: they run side by side, and one that fails is missing. The first is always asked. */
  readonly context?: Readonly<Record<string, TurnAgent>>;
  /** Judges answers, which are revised while it wants it. @defaultValue none */
  readonly critic?: TurnCritic<NoInfer<Route>>;
  /** Tries others than the usual routes on a part of the turns. @defaultValue none */
  readonly canary?: TurnCanary<NoInfer<Route>>;
}

/** A critic: it is given `{ text, history, reply }` and returns `{ score, verdict?, notes? }`. One that fails asks for nothing. */
export interface TurnCritic<Route extends string = string> extends Partial<ReviewRules> {
  readonly agent: TurnAgent;
  /** Whose answers it judges. @defaultValue those of every route */
  readonly routes?: readonly Route[];
}

/** Which turns are tried on others than the usual routes, and when that stops. */
export interface TurnCanary<Route extends string = string> extends Partial<CanaryBudget> {
  /** What is tried, by the route in whose place. Where it fails, the usual route answers. */
  readonly routes: { readonly [Name in Route]?: TurnTarget };
  /** Of a hundred turns so many are tried: 0 to 100. Which ones follows from their traces. */
  readonly percent: number;
}

/** The definition of a turn is invalid. Thrown by the definition, before anything runs. */
class TurnDefinitionInvalid extends MusterError {
  readonly code = 'turn_definition_invalid';
  constructor(name: string, faults: readonly string[]) {
    super(`The turn ${name} cannot be defined. ${faults.join(' ')}`, { name, faults: faults.length });
  }
}

export interface Route {
  readonly name: string;
  readonly target: TurnTarget;
}

/** A turn whose every part is known to be usable. */
export interface CheckedTurn {
  readonly name: string;
  readonly description: string;
  readonly routes: readonly Route[];
  readonly router: TurnAgent | null;
  readonly selection: boolean;
  readonly fallback: string;
  readonly temperature: number;
  readonly context: readonly { readonly name: string; readonly agent: TurnAgent }[];
  readonly critic: (ReviewRules & { readonly agent: TurnAgent; readonly routes: readonly string[] }) | null;
  readonly canary: {
    readonly name: string;
    readonly routes: readonly Route[];
    readonly percent: number;
    readonly budget: CanaryBudget;
  } | null;
}

const GRAPH_NAME = /^[a-z][a-z0-9-]{0,55}$/;
/** Names of routes and providers stand in the ids of nodes, behind a word. */
const PART_NAME = /^[a-z][a-z0-9-]{0,39}$/;
const MOST_PARTS = 20;

/** Reads the options of a turn and fills in the defaults. @throws TurnDefinitionInvalid naming every fault */
export function checkedTurn(options: TurnOptions): CheckedTurn {
  const faults: string[] = [];
  const expect = (holds: boolean, what: string, found: unknown) => {
    if (!holds) faults.push(`Expected ${what}, found ${nameOf(found)}.`);
  };
  const given: Partial<Record<keyof TurnOptions, unknown>> = options;
  const { name, description = '', router, selection = false, context = {}, critic, canary } = given;
  const { temperature = DEFAULT_TEMPERATURE } = given;
  for (const key of Object.keys(given)) expect(KNOWN.includes(key), `one of ${KNOWN.join(', ')} as an option`, key);
  expect(typeof name === 'string' && GRAPH_NAME.test(name), `a name like ${GRAPH_NAME.source}`, name);
  expect(typeof description === 'string', 'text as description', description);
  expect(isNumber(temperature, 0, 2), 'a number from 0 to 2 as temperature', temperature);
  expect(typeof selection === 'boolean', 'true or false as selection', selection);
  expect(router === undefined || isAgent(router), 'an agent as router', router);
  const routes = partsOf(given.routes, 'routes', { least: 1, is: isTarget, kind: 'an agent or a graph' }, expect);
  const providers = partsOf(context, 'context', { least: 0, is: isAgent, kind: 'an agent' }, expect);
  const names = routes.map(([route]) => route);
  const { fallback = names[0] } = given;
  expect(
    names.some((route) => route === fallback),
    `one of ${names.join(', ')} as fallback`,
    fallback,
  );
  const checked = {
    ...{ name: String(name), description: String(description), temperature: Number(temperature) },
    ...{ routes: routes.map(([name, target]) => ({ name, target })), fallback: String(fallback) },
    selection: selection === true,
    ...{ router: (router ?? null) as TurnAgent | null, context: providers.map(([name, agent]) => ({ name, agent })) },
    critic: critic === undefined ? null : checkedCritic(critic, names, expect),
    canary: canary === undefined ? null : checkedCanary(canary, { name: String(name), names }, expect),
  };
  if (faults.length > 0) throw new TurnDefinitionInvalid(nameOf(name), faults);
  return checked;
}

type Expect = (holds: boolean, what: string, found: unknown) => void;

const DEFAULT_TEMPERATURE = 0.8;
const KNOWN: readonly string[] = [
  ...([
    'name',
    'description',
    'routes',
    'router',
    'selection',
    'fallback',
    'temperature',
    'context',
    'critic',
    'canary',
  ] as const),
] satisfies (keyof TurnOptions)[];

function partsOf<Part>(
  given: unknown,
  option: string,
  {
    least,
    is,
    kind,
  }: { readonly least: number; readonly is: (value: unknown) => value is Part; readonly kind: string },
  expect: Expect,
): readonly (readonly [string, Part])[] {
  const entries = isJsonObject(given as never) ? Object.entries(given as object) : [];
  const fits = entries.length >= least && entries.length <= MOST_PARTS;
  expect(isJsonObject(given as never) && fits, `${least} to ${MOST_PARTS} ${option} by their names`, given);
  return entries.flatMap(([name, part]: [string, unknown]) => {
    expect(PART_NAME.test(name), `a name like ${PART_NAME.source} in ${option}`, name);
    expect(is(part), `${kind} as ${option}.${name}`, part);
    return is(part) ? [[name, part] as const] : [];
  });
}

function checkedCritic(given: unknown, names: readonly string[], expect: Expect): CheckedTurn['critic'] {
  const { agent, routes = names, minScore, revisions } = { ...REVIEW_DEFAULTS, ...(given as TurnCritic) };
  expect(isAgent(agent), 'an agent as critic.agent', agent);
  const isKnown = Array.isArray(routes) && routes.every((route) => names.includes(route));
  expect(isKnown, `a list of ${names.join(', ')} as critic.routes`, routes);
  expect(isNumber(minScore, 0, 1), 'a number from 0 to 1 as critic.minScore', minScore);
  expect(isWhole(revisions, 0, 2), '0, 1 or 2 as critic.revisions', revisions);
  return { agent, routes, minScore, revisions };
}

function checkedCanary(
  given: unknown,
  { name, names }: { readonly name: string; readonly names: readonly string[] },
  expect: Expect,
): CheckedTurn['canary'] {
  const { routes, percent, ...more } = given as TurnCanary;
  const budget = { ...CANARY_BUDGET, ...more };
  const candidates = partsOf(routes, 'canary.routes', { least: 1, is: isTarget, kind: 'an agent or a graph' }, expect);
  for (const [route] of candidates) expect(names.includes(route), `one of ${names.join(', ')} in canary.routes`, route);
  expect(isNumber(percent, 0, 100), 'a number from 0 to 100 as canary.percent', percent);
  expect(isWhole(budget.window, 10, 1_000), 'a whole number from 10 to 1000 as canary.window', budget.window);
  expect(
    isWhole(budget.minimum, 1, budget.window),
    'a whole number from 1 to the window as canary.minimum',
    budget.minimum,
  );
  expect(isNumber(budget.failureRate, 0, 1), 'a number from 0 to 1 as canary.failureRate', budget.failureRate);
  expect(
    isWhole(budget.cooldownSeconds, 1, 86_400),
    'seconds from 1 to 86400 as canary.cooldownSeconds',
    budget.cooldownSeconds,
  );
  return { name, percent, budget, routes: candidates.map(([route, target]) => ({ name: route, target })) };
}

function isAgent(value: unknown): value is TurnAgent {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'agent' && 'name' in value;
}

function isTarget(value: unknown): value is TurnTarget {
  return (
    isAgent(value) || (typeof value === 'object' && value !== null && 'definition' in value && 'handlers' in value)
  );
}

function isNumber(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return isNumber(value, min, max) && Number.isInteger(value);
}
