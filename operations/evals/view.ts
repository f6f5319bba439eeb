import { type EvalSet, type EvalState, meanOf, type Score } from '../../domain/evals/evaluation.ts';
import { isUuid, type TaskId, type TenantId } from '../../domain/ids.ts';
import { EvalRepository } from '../../entities/evals/eval-repository.ts';
import type { EvalRun } from '../../entities/evals/eval-run.ts';
import type { EvalScore } from '../../entities/evals/eval-score.ts';
import { text } from '../../options/fields.ts';
import { type CallInUnit, defineOperation } from '../define.ts';
import { listed, name } from '../tasks/task-fields.ts';
import { EvalUnknown } from './eval-errors.ts';

/** A score with the task whose output it is of; null where retention has removed that. */
export interface ScoreView extends Score {
  readonly taskId: TaskId | null;
}

/** A run of an evaluation set, as it is shown. */
export interface EvalView {
  readonly id: string;
  readonly eval: string;
  readonly graph: string;
  readonly version: number;
  readonly state: EvalState;
  readonly cases: number;
  /** How many scores are there, and how many there will be. */
  readonly scored: number;
  readonly wanted: number;
  /** The mean of each scorer over all cases; null as long as one has no score. */
  readonly means: Readonly<Record<string, number | null>>;
  readonly createdAt: Date;
  readonly completedAt: Date | null;
}

/** A run of an evaluation set with every score. */
export interface EvalWithScores extends EvalView {
  /** The set as it was run. */
  readonly set: EvalSet;
  readonly scores: readonly ScoreView[];
}

const READ = { effect: 'read', risk: 'read_only', permission: 'evals:read', unit: 'tenant' } as const;

export const listEvals = defineOperation({
  ...READ,
  name: 'evals.list',
  summary: 'Lists runs of evaluation sets with the means of their scorers, the newest first.',
  input: { eval: name, graph: name, limit: listed },
  async handle({ em, caller }, given: { readonly eval?: string; readonly graph?: string; readonly limit?: number }) {
    const { eval: set, limit = 50, ...which } = given;
    const evals = new EvalRepository(em);
    const runs = await evals.list(caller.tenant, { ...which, ...(set === undefined ? {} : { name: set }), limit });
    const scores = Map.groupBy(
      await evals.scores(
        caller.tenant,
        runs.map(({ id }) => id),
      ),
      ({ runId }) => runId,
    );
    return runs.map((run) => viewOf(run, scores.get(run.id) ?? []));
  },
});

/** @throws EvalUnknown */
export const showEval = defineOperation({
  ...READ,
  name: 'evals.show',
  summary: 'Shows a run of an evaluation set with every score.',
  risk: 'data_exfiltration_risk',
  input: { id: text() },
  handle: async (call, { id }: { readonly id: string }) => evalWithScores(call, await evalRun(call, id)),
});

/** @throws EvalUnknown */
export async function evalRun({ em, caller }: Pick<CallInUnit, 'em' | 'caller'>, id: string): Promise<EvalRun> {
  const run = isUuid(id) ? await new EvalRepository(em).find(caller.tenant, id) : null;
  if (run === null) throw new EvalUnknown(id, caller.tenant);
  return run;
}

export async function evalWithScores(
  { em, caller }: { readonly em: CallInUnit['em']; readonly caller: { readonly tenant: TenantId } },
  run: EvalRun,
): Promise<EvalWithScores> {
  const scores = await new EvalRepository(em).scores(caller.tenant, [run.id]);
  const rows = scores.map(({ case: of, scorer, score, reason = null, taskId = null }) => {
    return { case: of, scorer, score, reason, taskId };
  });
  return { ...viewOf(run, scores), set: run.definition, scores: rows };
}

function viewOf(run: EvalRun, rows: readonly EvalScore[]): EvalView {
  const { id, name: set, graphName: graph, graphVersion: version, state, definition, createdAt } = run;
  const cases = definition.cases.length;
  const scorers = Object.keys(definition.scorers);
  const scores = rows.map(({ case: of, scorer, score, reason = null }) => ({ case: of, scorer, score, reason }));
  const means = Object.fromEntries(scorers.map((scorer) => [scorer, meanOf(scores, scorer, cases)]));
  const counts = { cases, scored: rows.length, wanted: cases * scorers.length };
  return { id, eval: set, graph, version, state, ...counts, means, createdAt, completedAt: run.completedAt ?? null };
}
