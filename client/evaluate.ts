import { errorClause, errorMessage, hasErrorCode, MusterError } from '../domain/errors.ts';
import type { Evaluation, ScorerFunction } from '../domain/evals/define-eval.ts';
import { type EvalCase, type Judge, readScore } from '../domain/evals/evaluation.ts';
import { judgeGraph } from '../domain/evals/judge-graph.ts';
import type { TaskId } from '../domain/ids.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { isTerminalTaskStatus } from '../domain/tasks/task-status.ts';
import { type GivenScore, recordScores } from '../operations/evals/record.ts';
import { type StartedEval, startEval } from '../operations/evals/start.ts';
import { type EvalWithScores, showEval } from '../operations/evals/view.ts';
import { versionNumber } from '../operations/graphs/graph-fields.ts';
import { publish } from '../operations/graphs/publish.ts';
import { submitTask } from '../operations/tasks/submit.ts';
import { objectWith, yesOrNo } from '../options/fields.ts';
import { argumentOf, optionsOf } from '../options/parse-options.ts';
import type { Face } from './face.ts';
import type { TaskReader } from './task-handle.ts';

/** How an evaluation set is run. */
export interface EvaluateOptions {
  /** @defaultValue the active version */
  readonly version?: number;
  /** Waits until every case is scored. Without it, only what has ended by now is scored. @defaultValue true */
  readonly wait?: boolean;
  /** Begins a new run although one of this set and version has not ended. @defaultValue false: that one continues */
  readonly fresh?: boolean;
}

/** A scorer threw, failed, or returned no score. What was scored stays; running the set again continues. */
class ScorerFailed extends MusterError {
  readonly code = 'scorer_failed';
  /** @param why sentences that say what happened, and what to do */
  constructor(scorer: string, of: string, why: string, cause?: unknown) {
    super(`The scorer ${scorer} did not score the case "${of}": ${why}`, { scorer, case: of }, { cause });
  }
}

const evaluateOptions = optionsOf<EvaluateOptions>('evaluate', {
  version: versionNumber.optional(),
  wait: yesOrNo.optional(),
  fresh: yesOrNo.optional(),
});

const evaluationArgument = argumentOf(
  'evaluate',
  'evaluation',
  objectWith<Evaluation>('what defineEval returned', { set: 'object', code: 'object' }),
);

/** How many cases are waited for and scored at once. */
const AT_ONCE = 16;

/** Runs an evaluation set, or continues its run: see `Muster.evaluate`. */
export async function evaluate(tools: Tools, evaluation: Evaluation, given: EvaluateOptions): Promise<EvalWithScores> {
  const { set, code } = evaluationArgument(evaluation);
  const { wait = true, ...how } = evaluateOptions(given);
  const { name, ...rest } = set;
  const run = await tools.face.call(startEval, { eval: name, ...rest, ...how });
  const judges = Object.values(set.scorers).filter((judge) => judge !== null);
  const { taskQueue } = run;
  if (judges.length > 0) await tools.face.call(publish, { definitions: judges.map(judgeGraph), taskQueue });
  const scoring = new Scoring(tools, { run, wait, code });
  const left = set.cases.values();
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (const of of left) await scoring.score(of, set.scorers);
  });
  // One scorer that fails does not keep the others from what they can score.
  const failure = (await Promise.allSettled(workers)).find((ended) => ended.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return tools.face.call(showEval, { id: run.id });
}

interface Tools {
  readonly face: Face;
  readonly reader: TaskReader;
}

interface ScoringOptions {
  readonly run: StartedEval;
  readonly wait: boolean;
  readonly code: Evaluation['code'];
}

/** A case with the output of its task. */
interface EndedCase {
  readonly of: EvalCase;
  readonly output: Json;
}

/** What came of a task: its output, why it has none, or nothing yet. */
type TaskEnd = { readonly output: Json } | { readonly failure: string } | null;

/** Scores the cases of one run. */
class Scoring {
  readonly #face: Face;
  readonly #reader: TaskReader;
  readonly #options: ScoringOptions;
  readonly #known: ReadonlySet<string>;
  readonly #tasks: ReadonlyMap<string, TaskId>;

  constructor({ face, reader }: Tools, options: ScoringOptions) {
    this.#face = face;
    this.#reader = reader;
    this.#options = options;
    this.#known = new Set(options.run.scores.map((score) => keyOf(score.case, score.scorer)));
    this.#tasks = new Map(options.run.tasks.map((task) => [task.case, task.taskId]));
  }

  /** Scores a case by those that have not scored it yet, once its task has ended. A failed one has 0 from all. */
  async score(of: EvalCase, scorers: Readonly<Record<string, Judge | null>>): Promise<void> {
    const open = Object.entries(scorers).filter(([scorer]) => !this.#known.has(keyOf(of.name, scorer)));
    const taskId = this.#tasks.get(of.name);
    if (open.length === 0 || taskId === undefined) return;
    const end = await this.#endOf(taskId);
    if (end === null) return;
    const scores = await Promise.all(
      open.map(async ([scorer, judge]) => {
        const value = 'failure' in end ? failed(end) : await this.#valueOf(scorer, judge, { of, output: end.output });
        return value === null ? [] : [{ ...value, case: of.name, scorer, taskId }];
      }),
    );
    await this.#record(scores.flat());
  }

  async #record(scores: readonly GivenScore[]): Promise<void> {
    if (scores.length > 0) await this.#face.call(recordScores, { id: this.#options.run.id, scores });
  }

  /** Null where a judge has not ended and nobody waits. @throws ScorerFailed */
  async #valueOf(scorer: string, judge: Judge | null, ended: EndedCase) {
    const code = this.#options.code[scorer];
    const end = judge === null ? await answerOf(code, scorer, ended) : await this.#judged(judge, scorer, ended);
    if (end === null) return null;
    const { name } = ended.of;
    if ('failure' in end) throw new ScorerFailed(scorer, name, `${end.failure} Redrive that task, and run this again.`);
    const read = readScore(end.output);
    if (read === null) throw new ScorerFailed(scorer, name, 'it returned no number from 0 to 1. Correct it.');
    const { score, reason } = read;
    return { score, ...(reason === null ? {} : { reason: reason.slice(0, MOST_REASON) }) };
  }

  /** A task of the judge's own, known by its key: a repetition finds it. */
  async #judged(judge: Judge, scorer: string, { of, output }: EndedCase): Promise<TaskEnd> {
    const { run } = this.#options;
    const input: JsonObject = { output, case: { ...of } };
    const { id } = await this.#face.call(submitTask, {
      ...{ graph: judgeGraph(judge).name, input, key: `eval/${run.id}/score/${scorer}/${of.name}` },
      ...{ title: `${run.eval}: ${scorer} of ${of.name}`, conversation: `eval/${run.id}` },
    });
    return this.#endOf(id);
  }

  async #endOf(id: TaskId): Promise<TaskEnd> {
    const task = this.#reader.handle(id);
    if (!this.#options.wait && !isTerminalTaskStatus((await task.read()).status)) return null;
    try {
      return { output: (await task.result()).output };
    } catch (error) {
      const isEnd = hasErrorCode(error) && (error.code === 'task_failed' || error.code === 'task_cancelled');
      if (isEnd) return { failure: errorMessage(error) };
      throw error;
    }
  }
}

const MOST_REASON = 10_000;

const keyOf = (of: string, scorer: string) => `${scorer}/${of}`;

function failed({ failure }: { readonly failure: string }) {
  return { score: 0, reason: failure.slice(0, MOST_REASON) };
}

async function answerOf(code: ScorerFunction | undefined, scorer: string, { of, output }: EndedCase) {
  if (code === undefined) throw new ScorerFailed(scorer, of.name, 'it is code. Name the file that defines it.');
  try {
    return { output: await code(output, of) };
  } catch (error) {
    throw new ScorerFailed(scorer, of.name, `it threw: ${errorClause(error)}. Correct it.`, error);
  }
}
