import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { deadLetterReason } from '../../domain/tasks/dead-letter.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import { OPEN_TASK_STATUSES, type TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import type { TraceEventType } from '../../domain/traces/events.ts';
import type { TraceStatus } from '../../domain/traces/trace-status.ts';
import { readDate, readDateOrNull } from '../read-row.ts';
import { readFailure } from '../tasks/task-record.ts';
import type { StoredValue } from './artifact-repository.ts';

/** An event before it has its place in the trace. */
export interface NewTraceEvent {
  readonly type: TraceEventType;
  readonly nodeId?: string;
  readonly data?: Json;
  /** Default: when it is written. */
  readonly at?: Date;
}

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
  readonly status: TraceStatus;
  readonly workflowId: string;
  readonly graphId: string;
  /** The trace before it, whose task was redriven; null for a task's first. */
  readonly originTraceId: TraceId | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly error: Json;
  readonly replyText: string;
  /** The number of its last event; 0 before the first. */
  readonly lastSeq: number;
}

/** How a task ends. */
export interface TaskEnd {
  readonly execution: ExecutionRef;
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
  readonly output: StoredValue;
  /** A short text that stands for the output in lists. */
  readonly reply: string;
}

/** How a task stands after an attempt to end it. */
export interface StandingEnd {
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
  /** Whether this attempt ended it; false when it had ended before. */
  readonly isNew: boolean;
}

/** What a task ends with that was asked to end before it had. */
const CANCELLED: Failure = { code: 'task_cancelled', message: 'The task was cancelled.' };
const OPEN = sql.join(OPEN_TASK_STATUSES.map((status) => sql.lit(status)));

/** Traces and their events. An event's `seq` is given under the lock of the trace's row: commit order is `seq` order. */
export class TraceRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** Counts that a stretch of quick nodes begins, and says how many began since one was last written. */
  async beginStretch(traceId: TraceId): Promise<number> {
    const result = await sql<{ tries: number }>`
      update muster.agent_traces set stretch_tries = stretch_tries + 1
      where id = ${traceId} and status = 'running' returning stretch_tries as tries`.execute(this.#em.getKysely());
    return result.rows[0]?.tries ?? 1;
  }

  /** Adds the events of a stretch, and counts it as written. */
  appendStretch(traceId: TraceId, events: readonly NewTraceEvent[]): Promise<void> {
    return this.#append(traceId, events, sql`, stretch_tries = 0`);
  }

  /** Adds events at the end of the trace. Does nothing once the trace has ended: the last event stays the last. */
  append(traceId: TraceId, events: readonly NewTraceEvent[]): Promise<void> {
    return this.#append(traceId, events, sql``);
  }

  async #append(traceId: TraceId, events: readonly NewTraceEvent[], alsoSet: RawBuilder<unknown>): Promise<void> {
    if (events.length === 0) return;
    await sql`
      with bumped as (
        update muster.agent_traces set next_seq = next_seq + ${events.length} ${alsoSet}
        where id = ${traceId} and status = 'running' returning id, tenant_id, next_seq - ${events.length} as first
      )
      insert into muster.trace_events (trace_id, seq, tenant_id, type, node_id, data, at)
      select b.id, b.first + e.ord - 1, b.tenant_id, e.value ->> 'type', e.value ->> 'nodeId',
        nullif(e.value -> 'data', 'null'::jsonb), coalesce((e.value ->> 'at')::timestamptz, clock_timestamp())
      from bumped b, jsonb_array_elements(${JSON.stringify(events)}::jsonb) with ordinality as e(value, ord)`.execute(
      this.#em.getKysely(),
    );
  }

  /**
   * Ends a task under its claim's fence: the task's row, dead-lettered if it failed, the audit row, the outgoing event,
   * its slots, and, when `record` is set, the trace with its last event: one statement, all or none.
   *
   * A cancel that was accepted before wins: then the task ends as cancelled, whatever it came to. The lock of its row says
   * which came first.
   * @returns how the task stands now, which is otherwise when it had ended before; null when the fence is stale
   */
  async endTask(end: TaskEnd, { record }: { record: boolean }): Promise<StandingEnd | null> {
    const { execution } = end;
    const error = end.failure === null ? null : JSON.stringify(end.failure);
    const dead = deadLetterReason(end.status, end.failure);
    const wins = end.status === 'cancelled' ? sql<boolean>`false` : sql<boolean>`cancel_requested_at is not null`;
    const result = await sql<{ status: TerminalTaskStatus; error: unknown; is_new: boolean }>`
      with ended as (
        update muster.tasks set status = case when ${wins} then 'cancelled' else ${end.status} end, completed_at = now(),
          error = case when ${wins} then ${JSON.stringify(CANCELLED)}::jsonb else ${error}::jsonb end,
          output = case when ${wins} then null else ${end.output.json}::jsonb end,
          output_artifact_id = case when ${wins} then null else ${end.output.artifactId}::uuid end,
          dead_letter_reason = case when ${wins} then null else ${dead}::text end,
          dead_lettered_at = case when not (${wins}) and ${dead}::text is not null then now() end
        where id = ${execution.taskId} and fence = ${execution.fence} and status in (${OPEN})
        returning id, tenant_id, user_id, status, error
      ), freed as (
        delete from muster.concurrency_slots s using ended e where s.task_id = e.id
      ), audited as (
        insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id, details)
        select gen_random_uuid(), tenant_id, 'worker', 'task.' || status, 'task', id::text,
          jsonb_build_object('trace', ${execution.traceId}::text) from ended
      ), sent as (
        insert into muster.outbox (tenant_id, topic, task_id, payload)
        select tenant_id, 'task.finished', id, jsonb_build_object('user', user_id) from ended
      ), closed as (
        update muster.agent_traces r set status = e.status, finished_at = now(), error = e.error,
          reply_text = case when e.status = ${end.status} then ${end.reply} else '' end, next_seq = next_seq + 1
        from ended e where r.id = ${execution.traceId} and r.status = 'running' and ${record}
        returning r.id, r.tenant_id, r.next_seq - 1 as seq, e.status, e.error
      ), noted as (
        insert into muster.trace_events (trace_id, seq, tenant_id, type, data, at)
        select id, seq, tenant_id, 'trace.' || status, error, clock_timestamp() from closed
      )
      select status, error, true as is_new from ended
      union all
      select status, error, false from muster.tasks where id = ${execution.taskId} and fence = ${execution.fence}
        and status not in (${OPEN})`.execute(this.#em.getKysely());
    const [row] = result.rows;
    return row === undefined ? null : { status: row.status, failure: readFailure(row.error), isNew: row.is_new };
  }

  /** Ends a trace that was left open when its task ended, with its last event. A trace that has ended is left alone. */
  async endTrace(execution: ExecutionRef, status: TerminalTaskStatus, failure: Failure | null): Promise<void> {
    const error = failure === null ? null : JSON.stringify(failure);
    await sql`
      with closed as (
        update muster.agent_traces set status = ${status}, finished_at = now(), error = ${error}::jsonb,
          next_seq = next_seq + 1
        where id = ${execution.traceId} and status = 'running' returning id, tenant_id, next_seq - 1 as seq
      )
      insert into muster.trace_events (trace_id, seq, tenant_id, type, data, at)
      select id, seq, tenant_id, 'trace.' || ${status}::text, ${error}::jsonb, clock_timestamp() from closed`.execute(
      this.#em.getKysely(),
    );
  }

  async list(taskId: TaskId): Promise<TraceRecord[]> {
    const result = await sql<Record<string, unknown>>`
      select id, number, status, workflow_id, graph_id, origin_trace_id, created_at, finished_at, error, reply_text,
        next_seq - 1 as last_seq
      from muster.agent_traces where task_id = ${taskId} order by number`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      id: row.id as TraceId,
      number: row.number as number,
      status: row.status as TraceStatus,
      workflowId: row.workflow_id as string,
      graphId: row.graph_id as string,
      originTraceId: row.origin_trace_id as TraceId | null,
      createdAt: readDate(row.created_at as string),
      finishedAt: readDateOrNull(row.finished_at as string | null),
      error: (row.error ?? null) as Json,
      replyText: row.reply_text as string,
      lastSeq: row.last_seq as number,
    }));
  }

  /** Events after a sequence number, in order and without a gap. */
  async events(traceId: TraceId, afterSeq: number, limit: number): Promise<TraceEventRecord[]> {
    const result = await sql<{ seq: number; type: TraceEventType; node_id: string | null; data: Json; at: string }>`
      select seq, type, node_id, data, at from muster.trace_events
      where trace_id = ${traceId} and seq > ${afterSeq} order by seq limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      seq: row.seq,
      type: row.type,
      nodeId: row.node_id,
      data: row.data,
      at: readDate(row.at),
    }));
  }

  /**
   * Traces that are still running although their task ended within a day: their end could not be written with the
   * task's. By agent_traces_open_index. One that could not be ended for a whole day stays open until its task goes.
   */
  async unfinished(limit: number): Promise<ExecutionRef[]> {
    const result = await sql<Record<string, unknown>>`
      select t.tenant_id, t.id, t.user_id, r.id as trace_id, r.number, r.graph_id, t.fence
      from muster.agent_traces r join muster.tasks t on t.id = r.task_id
      where r.status = 'running' and t.status not in (${OPEN}) and t.completed_at < now() - interval '10 seconds'
        and t.completed_at > now() - interval '1 day'
      limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      tenant: row.tenant_id as ExecutionRef['tenant'],
      taskId: row.id as ExecutionRef['taskId'],
      traceId: row.trace_id as ExecutionRef['traceId'],
      traceNumber: row.number as number,
      user: row.user_id as string | null,
      graphId: row.graph_id as ExecutionRef['graphId'],
      fence: Number(row.fence),
    }));
  }
}
