import { isSchema } from '../agents/define-handler.ts';
import type { Handler } from '../agents/handler.ts';
import type { TaskBudgetOptions } from '../budgets/amounts.ts';
import { MusterError } from '../errors.ts';
import type { Graph } from '../graphs/defined-graph.ts';
import { NAME_PATTERN } from '../graphs/names.ts';
import { nameOf } from '../graphs/read-unknown.ts';
import { isJsonObject, type Json, type JsonObject, toJson } from '../json.ts';
import { type EvalCase, type EvalSet, type Judge, MOST_CASES, MOST_SCORERS } from './evaluation.ts';

/** Scores an output: a number from 0 to 1, true or false, or `{ score, reason }`. It may run again after a crash. */
export type ScorerFunction = (output: Json, of: EvalCase) => ScorerAnswer | Promise<ScorerAnswer>;
/** What a scorer of code gives. */
export type ScorerAnswer = number | boolean | { readonly score: number | boolean; readonly reason?: string };

/**
 * An agent or a tool that scores, hosted by a worker; a thinking agent has its model do it. It is given
 * `{ output, case: { name, input, expect } }` and returns `{ score, reason? }`.
 */
export type ScorerHandler = Omit<Handler, 'input' | 'output' | 'handle'> & { readonly input: object };

/** The definition of an evaluation set. */
export interface EvalOptions {
  /** A lower-case letter, then up to 63 of a–z, 0–9 and hyphen. */
  readonly name: string;
  /** The graph that is evaluated, or its name. */
  readonly graph: string | Graph;
  /** 1 to 1,000. `expect` is what scorers compare with. */
  readonly cases: readonly { readonly name: string; readonly input: JsonObject; readonly expect?: Json }[];
  /** 1 to 20, by names in the form of the set's own. */
  readonly scorers: Readonly<Record<string, ScorerFunction | ScorerHandler>>;
  /** What the task of one case may spend. Budgets of tenant and user hold besides. @defaultValue no limit of its own */
  readonly budget?: TaskBudgetOptions;
}

/** An evaluation set: its data, and the code of those scorers that are code. */
export interface Evaluation {
  readonly set: EvalSet;
  readonly code: Readonly<Record<string, ScorerFunction>>;
}

/** The definition of an evaluation set is invalid. Thrown by the definition, before anything runs. */
class EvalDefinitionInvalid extends MusterError {
  readonly code = 'eval_definition_invalid';
  constructor(name: string, faults: readonly string[]) {
    super(`The evaluation set ${name} cannot be defined. ${faults.join(' ')}`, { name, faults: faults.length });
  }
}

const CASE_NAME_LENGTH = 100;
/** The graph by which a judge scores has its name behind a word: see `judgeGraph`. */
const JUDGE_NAME = /^[a-z][a-z0-9-]{0,51}$/;

/**
 * Defines an evaluation set: cases with their inputs, and scorers of what a graph makes of them. `muster eval` and
 * `muster.evaluate` run it against one version of the graph. The result is frozen.
 * @throws EvalDefinitionInvalid naming every fault
 */
export function defineEval(options: EvalOptions): Evaluation {
  const faults: string[] = [];
  const expect = (holds: boolean, what: string, found: unknown) => {
    if (!holds) faults.push(`Expected ${what}, found ${nameOf(found)}.`);
  };
  const given: Partial<Record<keyof EvalOptions, unknown>> = options;
  const { name, graph, budget } = given;
  const graphName = typeof graph === 'string' ? graph : (graph as Partial<Graph> | undefined)?.definition?.name;
  expect(isName(name), `a name like ${NAME_PATTERN.source}`, name);
  expect(isName(graphName), 'a graph or its name as graph', graph);
  const cases = casesOf(given.cases, expect);
  const scorers = scorersOf(given.scorers, expect);
  if (faults.length > 0) throw new EvalDefinitionInvalid(nameOf(name), faults);
  const code = scorers.flatMap(([scorer, by]) => (typeof by === 'function' ? [[scorer, by] as const] : []));
  const judges = scorers.map(([scorer, by]) => [scorer, typeof by === 'function' ? null : judgeOf(by)] as const);
  const set = { name: String(name), graph: String(graphName), cases, scorers: Object.fromEntries(judges) };
  const limits = budget === undefined ? {} : { budget: budget as TaskBudgetOptions };
  return Object.freeze({ set: { ...set, ...limits }, code: Object.fromEntries(code) });
}

type Expect = (holds: boolean, what: string, found: unknown) => void;

function casesOf(given: unknown, expect: Expect): readonly EvalCase[] {
  const items: readonly unknown[] = Array.isArray(given) ? given : [];
  expect(items.length >= 1 && items.length <= MOST_CASES, `1 to ${MOST_CASES} cases`, given);
  const names = new Set<unknown>();
  return items.map((item) => {
    const { name, input, expect: expected = null } = (item ?? {}) as Partial<Record<keyof EvalCase, unknown>>;
    const isText = typeof name === 'string' && name.length >= 1 && name.length <= CASE_NAME_LENGTH;
    expect(isText, `a name of 1 to ${CASE_NAME_LENGTH} characters for each case`, name);
    expect(!names.has(name), 'a name of its own for each case', name);
    names.add(name);
    const json = toJson({ input, expect: expected });
    const isCase = json.ok && isJsonObject(json.value) && isJsonObject(json.value.input ?? null);
    expect(isCase, `plain JSON with an object as input in the case ${nameOf(name)}`, input);
    return { name: String(name), ...(json.ok ? (json.value as { input: JsonObject; expect: Json }) : EMPTY) };
  });
}

const EMPTY = { input: {}, expect: null };

function scorersOf(given: unknown, expect: Expect): readonly (readonly [string, ScorerFunction | ScorerHandler])[] {
  const entries = typeof given === 'object' && given !== null ? Object.entries(given) : [];
  expect(entries.length >= 1 && entries.length <= MOST_SCORERS, `1 to ${MOST_SCORERS} scorers by their names`, given);
  return entries.map(([name, scorer]: [string, unknown]) => {
    expect(isName(name), `a name like ${NAME_PATTERN.source} for each scorer`, name);
    expect(
      isScorer(scorer),
      `a function, or an agent or tool with a name of at most 52 characters, as ${name}`,
      scorer,
    );
    return [name, scorer as ScorerFunction | ScorerHandler];
  });
}

function isScorer(value: unknown): boolean {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  const { kind, name, input }: Partial<Record<keyof Handler, unknown>> = value;
  return (kind === 'agent' || kind === 'tool') && typeof name === 'string' && JUDGE_NAME.test(name) && isSchema(input);
}

function judgeOf({ kind, name, thinking }: ScorerHandler): Judge {
  return { kind, name, thinks: thinking !== undefined };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME_PATTERN.test(value);
}
