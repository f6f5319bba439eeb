import { type SqlBool, sql } from 'kysely';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { ModelCallState, ToolCallState } from '../../domain/thinking/states.ts';
import type { RunStatus, TraceStatus } from '../../domain/traces/trace-status.ts';
import { ago, anyOf, literal, momentText } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { readFailure } from '../tasks/task-record.ts';

/** A place in the order in which traces ended: the moment with its microseconds, then the id. */
export interface EndedCursor {
  readonly at: string;
  readonly id: string;
}

/** A trace that has ended, with what a reader of times and costs wants to know; nothing that was said in it. */
export interface EndedTrace {
  readonly id: TraceId;
  readonly tenant: TenantId;
  readonly taskId: TaskId;
  readonly graph: string;
  readonly number: number;
  readonly status: TraceStatus;
  readonly originTraceId: TraceId | null;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly errorCode: string | null;
  /** How many events it has, and one: about two for each run. */
  readonly events: number;
  /** The cursor behind it. */
  readonly cursor: EndedCursor;
}

/** One trace of a sample. */
export type SampledTrace = Pick<EndedTrace, 'tenant' | 'taskId' | 'number'>;

/** The rows of an ended trace that have a time of their own. */
export interface EndedRows {
  readonly runs: readonly EndedRun[];
  readonly models: readonly EndedModelCall[];
  readonly tools: readonly EndedToolCall[];
}

export interface EndedRun {
  readonly path: string;
  readonly agent: string;
  readonly kind: string;
  readonly status: RunStatus;
  readonly attempts: number;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly errorCode: string | null;
}

export interface EndedModelCall {
  readonly path: string;
  readonly step: number;
  readonly agent: string;
  readonly model: string;
  readonly provider: string | null;
  readonly state: ModelCallState;
  readonly attempts: number;
  readonly finish: string | null;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly costMicros: number;
  readonly errorCode: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

export interface EndedToolCall {
  readonly path: string;
  readonly step: number;
  readonly index: number;
  readonly agent: string;
  readonly tool: string;
  readonly callId: string;
  readonly state: ToolCallState;
  readonly attempts: number;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** Follows traces in the order of their ends. Needs a system unit of work. */
export class EndedTracesRepository extends Repository {
  /** The cursor behind all that had ended so many seconds ago. */
  async cursorAt(seconds: number): Promise<EndedCursor> {
    const { at } = await tables(this.em)
      .selectNoFrom(momentText(ago(seconds)).as('at'))
      .executeTakeFirstOrThrow();
    return { at, id: LAST_ID };
  }

  /**
   * Traces behind the cursor that ended at least so many seconds ago, in their order. By agent_traces_ended_index. A trace
   * is committed later than it ended: one that ended longer ago than any unit of work lasts, has no earlier one to come.
   */
  async after({ at, id }: EndedCursor, seconds: number, limit: number): Promise<EndedTrace[]> {
    const rows = await tables(this.em)
      .selectFrom('agent_traces as r')
      .innerJoin('tasks as t', 't.id', 'r.taskId')
      .select(['r.id', 'r.tenantId as tenant', 'r.taskId', 't.graphName as graph', 'r.number', 'r.status'])
      .select(['r.originTraceId', 'r.createdAt as startedAt', 'r.finishedAt', 'r.error', 'r.nextSeq as events'])
      .select((eb) => momentText(eb.ref('r.finishedAt')).as('endedAt'))
      .where(sql<SqlBool>`(r.finished_at, r.id) > (${at}::timestamptz, ${id}::uuid)`)
      .where('r.finishedAt', '<', ago(seconds))
      .orderBy('r.finishedAt')
      .orderBy('r.id')
      .limit(limit)
      .execute();
    return rows.flatMap(({ finishedAt, endedAt, error, ...row }) => {
      if (finishedAt === null || endedAt === null) return [];
      const cursor = { at: endedAt, id: row.id };
      return [{ ...row, finishedAt, errorCode: readFailure(error)?.code ?? null, cursor }];
    });
  }

  /**
   * Traces that ended within the last day, and at least ten minutes ago, drawn at random. By agent_traces_ended_index: as many
   * rows as the day has traces are read, without what is in them.
   */
  sample(most: number): Promise<SampledTrace[]> {
    return tables(this.em)
      .selectFrom('agent_traces')
      .select(['tenantId as tenant', 'taskId', 'number'])
      .where('finishedAt', '>', ago(86_400))
      .where('finishedAt', '<', ago(600))
      .orderBy((eb) => eb.fn('random'))
      .limit(most)
      .execute();
  }

  /** The rows of these traces, without what they have only taken over. Three statements. */
  async rowsOf(ids: readonly TraceId[]): Promise<ReadonlyMap<TraceId, EndedRows>> {
    const [runs, models, tools] = [await this.#runs(ids), await this.#models(ids), await this.#tools(ids)];
    const [runsOf, modelsOf, toolsOf] = [
      Map.groupBy(runs, traceOf),
      Map.groupBy(models, traceOf),
      Map.groupBy(tools, traceOf),
    ];
    return new Map(
      ids.map((id) => [
        id,
        { runs: runsOf.get(id) ?? [], models: modelsOf.get(id) ?? [], tools: toolsOf.get(id) ?? [] },
      ]),
    );
  }

  #runs(ids: readonly TraceId[]) {
    return tables(this.em)
      .selectFrom('agent_runs')
      .select(['traceId', 'nodeId as path', 'agent', 'kind', 'status', 'attempts'])
      .select(['startedAt', 'finishedAt', 'errorCode'])
      .where('traceId', '=', anyOf(ids))
      .where('takenFrom', 'is', null)
      .execute();
  }

  async #models(ids: readonly TraceId[]) {
    const rows = await tables(this.em)
      .selectFrom('model_calls')
      .select(['traceId', 'path', 'step', 'agent', 'model', 'provider', 'state', 'attempts', 'startedAt', 'finishedAt'])
      .select(['inputTokens', 'cachedTokens', 'outputTokens', 'reasoningTokens', 'costMicros', 'error'])
      .select((eb) => eb.fn<string | null>('jsonb_extract_path_text', ['answer', literal('finish')]).as('finish'))
      .where('traceId', '=', anyOf(ids))
      .where('takenFrom', 'is', null)
      .execute();
    return rows.map(({ error, costMicros, ...row }) => {
      return { ...row, costMicros: Number(costMicros), errorCode: readFailure(error)?.code ?? null };
    });
  }

  #tools(ids: readonly TraceId[]) {
    return tables(this.em)
      .selectFrom('tool_calls')
      .select(['traceId', 'path', 'step', 'index', 'agent', 'tool', 'callId', 'state', 'attempts'])
      .select(['startedAt', 'finishedAt'])
      .where('traceId', '=', anyOf(ids))
      .where('takenFrom', 'is', null)
      .execute();
  }
}

const traceOf = ({ traceId }: { readonly traceId: TraceId }) => traceId;

/** Behind every id of one moment. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
