import type { TaskBudgetOptions } from '../budgets/amounts.ts';
import type { Json, JsonObject } from '../json.ts';

/** A run of an evaluation set: `running` until every case has every score. An `abandoned` one gave way to a fresh one. */
export const EVAL_STATES = ['running', 'completed', 'abandoned'] as const;
export type EvalState = (typeof EVAL_STATES)[number];

export const MOST_CASES = 1_000;
export const MOST_SCORERS = 20;

/** One case of an evaluation set. */
export interface EvalCase {
  /** Unique in its set: 1 to 100 characters. */
  readonly name: string;
  /** The input of the case's task. */
  readonly input: JsonObject;
  /** What scorers compare the output with; it means what they make of it. @defaultValue null */
  readonly expect: Json;
}

/** The agent or tool that scores: on a worker, by a task of its own. `thinks` where a model does. */
export interface Judge {
  readonly kind: 'agent' | 'tool';
  readonly name: string;
  readonly thinks: boolean;
}

/** Who gives the scores of one name: a judge, or null for code of the program that runs the evaluation. */
export type Scorers = Readonly<Record<string, Judge | null>>;

/** An evaluation set as data, which its runs keep. */
export interface EvalSet {
  readonly name: string;
  readonly graph: string;
  readonly cases: readonly EvalCase[];
  readonly scorers: Scorers;
  /** What the task of one case may spend. */
  readonly budget?: TaskBudgetOptions;
}

/** One score: of one case, by one scorer. */
export interface Score {
  readonly case: string;
  readonly scorer: string;
  /** 0 to 1. A case whose task failed has 0 from every scorer. */
  readonly score: number;
  readonly reason: string | null;
}

/** The mean of a scorer over all cases; null as long as one has no score. */
export function meanOf(scores: readonly Score[], scorer: string, cases: number): number | null {
  const own = scores.filter((score) => score.scorer === scorer);
  if (own.length < cases || cases === 0) return null;
  return own.reduce((sum, { score }) => sum + score, 0) / cases;
}

/** What a scorer returned, as a score: a number from 0 to 1, a yes or no, or an object that has one as `score`. */
export function readScore(value: unknown): { readonly score: number; readonly reason: string | null } | null {
  if (typeof value === 'boolean') return { score: value ? 1 : 0, reason: null };
  if (typeof value === 'number') return value >= 0 && value <= 1 ? { score: value, reason: null } : null;
  if (typeof value !== 'object' || value === null) return null;
  const { score, reason }: { readonly score?: unknown; readonly reason?: unknown } = value;
  if (typeof score === 'object') return null;
  const read = readScore(score);
  return read === null ? null : { ...read, reason: typeof reason === 'string' ? reason : null };
}
