import { z } from 'zod';
import { newId } from '../../database/new-id.ts';
import type { TaskBudgetOptions } from '../../domain/budgets/amounts.ts';
import { type EvalCase, type EvalSet, type Judge, MOST_CASES, MOST_SCORERS } from '../../domain/evals/evaluation.ts';
import type { TaskId } from '../../domain/ids.ts';
import { isJsonObject, type Json, toJson } from '../../domain/json.ts';
import { EvalRepository } from '../../entities/evals/eval-repository.ts';
import type { EvalRun } from '../../entities/evals/eval-run.ts';
import type { GraphHead } from '../../entities/graphs/statements/graph-heads.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { definedName, listOf, oneOf, text, yesOrNo } from '../../options/fields.ts';
import type { OptionFields } from '../../options/parse-options.ts';
import { taskBudget } from '../budgets/budget-fields.ts';
import { type Call, defineOperation } from '../define.ts';
import { digestOf } from '../digest-of.ts';
import { versionNumber } from '../graphs/graph-fields.ts';
import { graphHead } from '../graphs/graph-head.ts';
import { requireGrantedIfNew } from '../graphs/require-granted.ts';
import { type EvalWithScores, evalWithScores } from './view.ts';

export interface StartEvalInput extends Omit<EvalSet, 'name'> {
  /** The name of the evaluation set. */
  readonly eval: string;
  /** @defaultValue the active version */
  readonly version?: number;
  /** Abandons a run of this set and version that has not ended. @defaultValue false: it continues */
  readonly fresh?: boolean;
}

/** A run of an evaluation set with the tasks of its cases. */
export interface StartedEval extends EvalWithScores {
  /** The task queue of the graph. */
  readonly taskQueue: string;
  readonly tasks: readonly { readonly case: string; readonly taskId: TaskId }[];
}

const evalCase = z.strictObject({
  name: text({ max: 100 }),
  input: z.custom<EvalCase['input']>((value) => isJsonObject(value as Json), { error: 'a JSON object' }),
  expect: z.custom<Json>((value) => toJson(value).ok, { error: 'plain JSON' }),
} satisfies OptionFields<EvalCase>) as unknown as z.ZodType<EvalCase>;

const judge = z
  .strictObject({ kind: oneOf(['agent', 'tool']), name: definedName, thinks: yesOrNo } satisfies OptionFields<Judge>)
  .nullable() as unknown as z.ZodType<Judge | null>;

const scorers = z
  .record(definedName, judge, { error: 'scorers by their names' })
  .refine((given) => Object.keys(given).length >= 1 && Object.keys(given).length <= MOST_SCORERS, {
    error: `1 to ${MOST_SCORERS} scorers by their names`,
  });

/** A repetition continues: the run is the same while it has not ended, and each case's task is known by its key. */
export const startEval = defineOperation({
  name: 'evals.start',
  summary: 'Evaluates a version of a graph: submits a task for each case, or continues a run that has not ended.',
  effect: 'write',
  risk: 'external_write',
  permission: 'tasks:write',
  limit: 'submit',
  costs: ({ cases }: StartEvalInput) => ({ cost: cases.length }),
  unit: 'none',
  input: {
    ...{ eval: definedName, graph: definedName, version: versionNumber.optional() },
    cases: listOf(evalCase, { max: MOST_CASES, of: 'cases' }),
    ...{ scorers, budget: taskBudget.optional() as z.ZodType<TaskBudgetOptions>, fresh: yesOrNo.optional() },
  },
  contradiction: ({ cases }: StartEvalInput) =>
    new Set(cases.map(({ name }) => name)).size === cases.length && cases.length > 0
      ? null
      : '`cases` must be at least one, each with a name of its own',
  async handle(call, { eval: name, version, fresh = false, ...rest }: StartEvalInput): Promise<StartedEval> {
    const { caller, stores } = call;
    const set: EvalSet = { name, ...rest };
    const { run, head } = await stores.database.inTenant(caller.tenant, async ({ em }) => {
      const head = await graphHead(em, caller.tenant, { name: set.graph, version });
      const definition = await stores.graphs.get(caller.tenant, head.id);
      await requireGrantedIfNew(em, call, { id: head.id, definition });
      await new TaskRepository(em).ensureTenant(caller.tenant);
      const evals = new EvalRepository(em);
      // A set is JSON, which its interface hides from the compiler.
      const key = { tenantId: caller.tenant, name, graphId: head.id, definitionHash: digestOf(set as unknown as Json) };
      if (fresh) await evals.abandon(key);
      const graph = { graphName: head.name, graphVersion: head.version };
      return { run: await evals.begin({ ...key, ...graph, id: newId(), definition: set }), head };
    });
    const tasks = await submitCases(call, run, head);
    const view = await stores.database.inTenant(caller.tenant, ({ em }) => evalWithScores({ em, caller }, run));
    return { ...view, taskQueue: head.taskQueue, tasks };
  },
});

/** Their conversation, which may have a budget, is the run: `eval/<run>`. */
async function submitCases({ caller, stores }: Call, { id, definition }: EvalRun, head: GraphHead) {
  const { name: set, cases, budget } = definition;
  const items = cases.map(({ name, input }) => ({
    ...{ input, key: `eval/${id}/case/${name}`, title: `${set}: ${name}`, conversation: `eval/${id}` },
    ...(budget === undefined ? {} : { budget }),
  }));
  const submitted = await stores.submitterOf(caller.tenant).submitMany(head, items, caller);
  return cases.map(({ name }, index) => ({ case: name, taskId: submitted[index]?.id as TaskId }));
}
