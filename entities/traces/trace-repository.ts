import type { GraphId, TaskId, TraceId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import type { TraceEventType } from '../../domain/traces/events.ts';
import type { TraceStatus } from '../../domain/traces/trace-status.ts';
import { ago } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { readFailure } from '../tasks/task-record.ts';
import { AgentTrace } from './agent-trace.ts';
import { TraceEvent } from './trace-event.ts';

export interface TraceEventRecord {
  readonly seq: number;
  readonly type: TraceEventType;
  readonly nodeId: string | null;
  readonly data: Json;
  readonly at: Date;
}

export interface TraceRecord {
  readonly id: TraceId;
  readonly number: number;
  readonly graphId: GraphId;
  readonly status: TraceStatus;
  /** Why it failed or was cancelled. */
  readonly error: Failure | null;
  readonly workflowId: string;
  /** The trace before it, whose task was redriven, or that a fork continues; null where there is none. */
  readonly originTraceId: TraceId | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  /** The number of its last event; 0 before the first. */
  readonly lastSeq: number;
}

/** Reads traces and their events. What happens to them is written by `operations/record/`. */
export class TraceRepository extends Repository {
  async list(taskId: TaskId): Promise<TraceRecord[]> {
    const traces = await this.em.find(AgentTrace, { taskId }, { orderBy: { number: 'asc' } });
    return traces.map((trace) => ({
      id: trace.id,
      number: trace.number,
      graphId: trace.graphId,
      status: trace.status,
      error: readFailure(trace.error),
      workflowId: trace.carriedBy ?? trace.workflowId,
      originTraceId: trace.originTraceId ?? null,
      createdAt: trace.createdAt,
      finishedAt: trace.finishedAt ?? null,
      lastSeq: trace.nextSeq - 1,
    }));
  }

  /** Events after a sequence number, in order and without a gap. */
  async events(traceId: TraceId, afterSeq: number, limit: number): Promise<TraceEventRecord[]> {
    const rows = await this.em
      .createQueryBuilder(TraceEvent)
      .select(['seq', 'type', 'nodeId', 'data', 'at'])
      .where({ traceId, seq: { $gt: afterSeq } })
      .orderBy({ seq: 'asc' })
      .limit(limit)
      .execute<TraceEvent[]>();
    return rows.map(({ seq, type, nodeId, data, at }) => ({
      seq,
      type,
      nodeId: nodeId ?? null,
      data: data ?? null,
      at,
    }));
  }

  /**
   * Traces that are still running although their task ended within a day: their end could not be written with the
   * task's. By agent_traces_open_index. One that could not be ended for a whole day stays open until its task goes.
   */
  async unfinished(limit: number): Promise<ExecutionRef[]> {
    const rows = await tables(this.em)
      .selectFrom('agent_traces as r')
      .innerJoin('tasks as t', 't.id', 'r.taskId')
      .where('r.status', '=', 'running')
      .where('t.status', 'not in', OPEN_TASK_STATUSES)
      .where('t.completedAt', '<', ago(10))
      .where('t.completedAt', '>', ago(86_400))
      .select(['t.tenantId as tenant', 't.id as taskId', 't.userId as user', 't.fence'])
      .select(['r.id as traceId', 'r.number as traceNumber', 'r.graphId'])
      .limit(limit)
      .execute();
    return rows.map((row) => ({ ...row, fence: Number(row.fence) }));
  }
}
