import type { BudgetScope } from '../../domain/budgets/scopes.ts';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { literal } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { ModelCall } from './model-call.ts';
import { READ_STEPS, type StepRows } from './statements/read-steps.ts';
import { ToolCall } from './tool-call.ts';

/** Which run: its trace and its path. */
export interface RunPlace {
  readonly tenant: TenantId;
  readonly traceId: TraceId;
  readonly path: RunPath;
}

/** Which calls of a trace. */
interface CountedCalls extends Omit<RunPlace, 'path'> {
  readonly paths: readonly RunPath[];
  readonly tool: string;
}

/** A run's steps in their order, and whether a budget may be above its calls. */
export interface ReadSteps {
  readonly steps: readonly StepRows[];
  readonly isLimited: boolean;
}

/** Which part of an answer: `most` characters after the first `from`. */
export interface AnswerPart extends RunPlace {
  readonly step: number;
  readonly from: number;
  readonly most: number;
}

/** A part of an answer's text, and how many characters the whole has. */
export interface AnswerText {
  readonly text: string;
  readonly characters: number;
}

/** Which tool call. */
export interface ToolPlace {
  readonly execution: Pick<ExecutionRef, 'tenant' | 'traceId'>;
  readonly path: RunPath;
  readonly step: number;
  readonly index: number;
}

function whereOf({ execution, path, step, index }: ToolPlace) {
  return { tenantId: execution.tenant, traceId: execution.traceId, path, step, index };
}

/** Reads what thinking runs asked of models and tools; it is written by `operations/record/`. */
export class ThinkingRepository extends Repository {
  /** What a run goes by next. One statement. @param scopes those in which its calls count */
  async steps({ tenant, traceId, path }: RunPlace, scopes: readonly BudgetScope[]): Promise<ReadSteps> {
    const [read] = await READ_STEPS.run(this.em, { tenant, traceId, path, scopes });
    return { steps: JSON.parse(read?.stepsJson ?? '[]'), isLimited: read?.isLimited === true };
  }

  /** One tool call; null where there is none. */
  tool(place: ToolPlace): Promise<ToolCall | null> {
    return this.em.findOne(ToolCall, whereOf(place));
  }

  /** The calls of a run that ask the same, in their order. */
  sameCalls({ execution, path }: ToolPlace, digest: string): Promise<ToolCall[]> {
    const { tenant: tenantId, traceId } = execution;
    return this.em.find(ToolCall, { tenantId, traceId, path, digest }, { orderBy: { step: 'asc', index: 'asc' } });
  }

  /** How often the runs of these paths asked for a tool. */
  countCalls({ tenant, traceId, paths, tool }: CountedCalls): Promise<number> {
    return this.em.count(ToolCall, { tenantId: tenant, traceId, path: { $in: paths }, tool });
  }

  /**
   * What the thinking runs of a trace wait for now, by their paths: the answer of a model, the time to call it again after it
   * has failed, or the end of a tool.
   */
  async underWay(traceId: TraceId): Promise<ReadonlyMap<RunPath, ModelCall | ToolCall>> {
    const models = await this.em.find(ModelCall, { traceId, state: { $in: ['pending', 'failed'] } });
    const tools = await this.em.find(ToolCall, { traceId, state: 'running' }, { orderBy: { index: 'asc' } });
    return new Map([...models, ...tools].map((call) => [call.path as RunPath, call]));
  }

  /** All that was asked in the traces of a task, in order. Two statements. */
  async ofTask(
    taskId: TaskId,
  ): Promise<{ readonly models: readonly ModelCall[]; readonly tools: readonly ToolCall[] }> {
    const models = await this.em.find(ModelCall, { taskId }, { orderBy: { path: 'asc', step: 'asc' } });
    if (models.length === 0) return { models, tools: [] };
    const tools = await this.em.find(ToolCall, { taskId }, { orderBy: { path: 'asc', step: 'asc', index: 'asc' } });
    return { models, tools };
  }

  /** The model calls of a trace without an answer, of runs that have not ended. */
  openCalls({ tenant, traceId }: Omit<RunPlace, 'path'>): Promise<readonly Pick<ModelCall, 'path' | 'step'>[]> {
    return tables(this.em)
      .selectFrom('model_calls as call')
      .innerJoin('agent_runs as run', (join) =>
        join.onRef('run.traceId', '=', 'call.traceId').onRef('run.nodeId', '=', 'call.path'),
      )
      .where('call.tenantId', '=', tenant)
      .where('call.traceId', '=', traceId)
      .where('call.state', '<>', 'done')
      .where('run.status', 'in', ['pending', 'running'])
      .select(['call.path', 'call.step'])
      .execute();
  }

  /** A part of the text of a stored answer, in characters from 0; null for a step without an answer. */
  async answerText({ tenant, traceId, path, step, from, most }: AnswerPart): Promise<AnswerText | null> {
    const row = await tables(this.em)
      .selectFrom('model_calls')
      .where('tenantId', '=', tenant)
      .where('traceId', '=', traceId)
      .where('path', '=', path)
      .where('step', '=', step)
      .where('state', '=', 'done')
      .select((eb) => {
        const whole = eb.fn<string>('jsonb_extract_path_text', ['answer', eb.val('text')]);
        const part = eb.fn<string>('substr', [whole, eb.val(from + 1), eb.val(most)]);
        return [part.as('text'), eb.fn<number>('char_length', [whole]).as('characters')];
      })
      .executeTakeFirst();
    return row ?? null;
  }

  /**
   * The calls of which nobody knows whether they happened, the newest first, without those of traces that a redrive has
   * replaced. By model_calls_doubt_index and tool_calls_doubt_index.
   */
  async doubts(tenantId: TenantId, most: number) {
    const models = tables(this.em)
      .selectFrom('model_calls as c')
      .innerJoin('agent_traces as r', 'r.id', 'c.traceId')
      .innerJoin('tasks as t', (join) => join.onRef('t.id', '=', 'r.taskId').onRef('t.traceCount', '=', 'r.number'))
      .where('c.tenantId', '=', tenantId)
      .where('c.state', '=', literal('in_doubt'))
      .select([...DOUBT, 'c.model as called']);
    const tools = tables(this.em)
      .selectFrom('tool_calls as c')
      .innerJoin('agent_traces as r', 'r.id', 'c.traceId')
      .innerJoin('tasks as t', (join) => join.onRef('t.id', '=', 'r.taskId').onRef('t.traceCount', '=', 'r.number'))
      .where('c.tenantId', '=', tenantId)
      .where('c.state', '=', literal('in_doubt'))
      .select([...DOUBT, 'c.tool as called', 'c.index', 'c.result']);
    return {
      models: await models.orderBy('c.startedAt', 'desc').limit(most).execute(),
      tools: await tools.orderBy('c.startedAt', 'desc').limit(most).execute(),
    };
  }
}

const DOUBT = ['c.taskId', 'c.traceId', 'c.path', 'c.step', 'c.agent', 'c.startedAt as since'] as const;
