import { z } from 'zod';
import type { TaskId } from '../../domain/ids.ts';
import { EvalRepository } from '../../entities/evals/eval-repository.ts';
import type { EvalRun } from '../../entities/evals/eval-run.ts';
import { listOf, numberFrom, text, uuid } from '../../options/fields.ts';
import { type OptionFields, OptionInvalid } from '../../options/parse-options.ts';
import { audit } from '../audit.ts';
import { defineOperation } from '../define.ts';
import { type EvalWithScores, evalRun, evalWithScores } from './view.ts';

/** One score, by the program that scores. */
export interface GivenScore {
  readonly case: string;
  readonly scorer: string;
  readonly score: number;
  readonly reason?: string;
  /** The task of the case. */
  readonly taskId?: string;
}

const MOST_SCORES = 1_000;
const MOST_REASON = 10_000;

const score = z.strictObject({
  ...{ case: text(), scorer: text(), score: numberFrom(0, 1) },
  ...{ reason: text({ min: 0, max: MOST_REASON }).optional(), taskId: uuid.optional() },
} satisfies OptionFields<GivenScore>) as unknown as z.ZodType<GivenScore>;

export const recordScores = defineOperation({
  name: 'evals.record',
  summary:
    'Records scores of an evaluation; the first of a case and scorer stays, and the last completes the evaluation.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'evals:write',
  by: 'person',
  unit: 'tenant',
  input: { id: text(), scores: listOf(score, { max: MOST_SCORES, of: 'scores' }) },
  async handle(call, { id, scores }: { readonly id: string; readonly scores: readonly GivenScore[] }) {
    const run = await evalRun(call, id);
    for (const score of scores) requirePlanned(run, score);
    const rows = scores.map(({ reason = null, taskId = null, ...score }) => {
      return { ...score, reason, taskId: taskId as TaskId | null };
    });
    const completed = rows.length > 0 && (await new EvalRepository(call.em).record(run, rows));
    const view = await evalWithScores(call, completed ? await evalRun(call, id) : run);
    if (completed) await audit(call.em, call, completionOf(view));
    return view;
  },
});

/** A score is its own record; that an evaluation was completed is an event. */
function completionOf({ id, graph, version, means }: EvalWithScores) {
  return { action: 'eval.completed', subjectType: 'eval', subjectId: id, details: { graph, version, means } };
}

/** @throws OptionInvalid */
function requirePlanned({ definition }: EvalRun, { case: of, scorer }: GivenScore): void {
  if (!definition.cases.some(({ name }) => name === of)) throw unplanned(`the set has no case "${of}"`);
  if (!Object.hasOwn(definition.scorers, scorer)) throw unplanned(`the set has no scorer "${scorer}"`);
}

function unplanned(fault: string): OptionInvalid {
  return new OptionInvalid('evals.record', [fault], { option: 'scores' });
}
