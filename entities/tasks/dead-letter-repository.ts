import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { RedriveEffects } from '../../domain/tasks/dead-letter.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { readDate } from '../read-row.ts';
import { readFailure } from './task-record.ts';

/** A task that failed, with what has to be known to judge it. */
export interface DeadLetter {
  readonly taskId: TaskId;
  readonly tenant: TenantId;
  readonly graph: string;
  readonly title: string;
  readonly priority: PriorityBand;
  readonly user: string | null;
  readonly key: string | null;
  /** The code of its failure. */
  readonly reason: string;
  readonly error: Failure | null;
  /** The node that failed; null when none did, as with a deadline that passed while the task waited. */
  readonly node: string | null;
  /** Attempts of that node in the last trace; 0 when there was none. */
  readonly attempts: number;
  /** The last trace; null for a task that never started. */
  readonly traceId: TraceId | null;
  /** The trace before it, when the task has been redriven already. */
  readonly originTraceId: TraceId | null;
  /** How many traces the task has had. */
  readonly traceCount: number;
  readonly createdAt: Date;
  readonly deadAt: Date;
}

/** Which dead letters. */
export interface DeadLetterFilter {
  readonly graph?: string | undefined;
  /** Dead since this moment or later. */
  readonly since?: Date | undefined;
}

/** A task that was redriven, with what the queue has to know of it. */
export interface RedrivenTask {
  readonly taskId: TaskId;
  readonly tenant: TenantId;
  readonly status: TaskStatus;
  readonly taskQueue: string;
  readonly band: PriorityBand;
  readonly createdAtMs: number;
  readonly keys: readonly string[];
  /** The trace that failed; null for a task that had none. */
  readonly originTraceId: TraceId | null;
}

/** How tasks are redriven. */
export interface Redrive {
  /** The same one again is the same redrive. */
  readonly redriveId: string;
  readonly actor: string;
  readonly effects: RedriveEffects;
}

type Row = Record<string, unknown>;

/**
 * What a task has besides its row while it is dead: its last trace, and whether something that it depends on has yet to
 * complete (`waits`), or never will unless it is redriven too (`stuck`).
 */
function deadTasks(ids: readonly TaskId[]): RawBuilder<unknown> {
  return sql`
    select t.id, t.dead_letter_reason as reason, r.id as trace_id,
      exists (select from muster.task_dependencies d join muster.tasks p on p.id = d.depends_on_task_id
        where d.task_id = t.id and p.status <> 'completed') as waits,
      exists (select from muster.task_dependencies d join muster.tasks p on p.id = d.depends_on_task_id
        where d.task_id = t.id and p.status in ('failed', 'cancelled')
          and (p.status = 'cancelled' or p.id <> all(${[...ids]}::uuid[]))) as stuck
    from muster.tasks t left join muster.agent_traces r on r.task_id = t.id and r.number = t.trace_count
    where t.id = any(${[...ids]}::uuid[]) and t.status = 'failed' and t.dead_lettered_at is not null`;
}

/** The failed tasks of the unit of work's tenant, by tasks_dead_index. Every method is one statement. */
export class DeadLetterRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** The latest deaths first, at most `limit` of them. */
  async list(filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]> {
    const result = await sql<Row>`
      select t.*, r.id as trace_id, r.origin_trace_id, coalesce(n.attempts, 0) as attempts
      from muster.tasks t
        left join muster.agent_traces r on r.task_id = t.id and r.number = t.trace_count
        left join muster.agent_runs n on n.trace_id = r.id and n.node_id = t.error ->> 'node'
      where ${matches(filter)}
      order by t.dead_lettered_at desc, t.id desc limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map(readDeadLetter);
  }

  /** One page of the ids that match, in the order of their submits, after this one: what others depend on comes first. */
  async page(filter: DeadLetterFilter, after: TaskId | null, limit: number): Promise<TaskId[]> {
    const result = await sql<{ id: string }>`
      select t.id from muster.tasks t
      where ${matches(filter)} and (${after}::uuid is null or t.id > ${after}::uuid)
      order by t.id limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map((row) => row.id as TaskId);
  }

  /** What a redrive of these tasks would do, without doing it. */
  async judge(ids: readonly TaskId[]): Promise<{ taskId: TaskId; stuck: boolean; originTraceId: TraceId | null }[]> {
    const result = await sql<{ id: string; stuck: boolean; trace_id: string | null }>`${deadTasks(ids)}`.execute(
      this.#em.getKysely(),
    );
    return result.rows.map((row) => ({
      taskId: row.id as TaskId,
      stuck: row.stuck,
      originTraceId: row.trace_id as TraceId | null,
    }));
  }

  /**
   * Lets dead tasks wait again, each with an audit row that names the trace that failed, and one outbox row for all that
   * may start: one statement, all or none. A task that depends on one that has not completed becomes `blocked`; one
   * whose dependency stays dead is left dead. What is not dead is left alone. A deadline that has passed is dropped:
   * whoever redrives wants the task done all the same. `effects` says whether what earlier traces recorded still counts. A repetition under the same `redriveId`, after a commit whose
   * answer was lost, returns what the first one did.
   */
  async redrive(ids: readonly TaskId[], { redriveId, actor, effects }: Redrive): Promise<RedrivenTask[]> {
    const result = await sql<Row>`
      with dead as (${deadTasks(ids)} order by t.id for update of t), revived as (
        update muster.tasks t set status = case when dead.waits then 'blocked' else 'pending' end, completed_at = null,
          error = null, output = null, output_artifact_id = null, dead_lettered_at = null, dead_letter_reason = null,
          cancel_requested_at = null, checked_at = null,
          effects_since = case when ${effects === 'repeat'} then t.trace_count + 1 else t.effects_since end,
          deadline_at = case when t.deadline_at > now() then t.deadline_at end
        from dead where t.id = dead.id and not dead.stuck
        returning t.id, t.tenant_id, t.status, t.task_queue, t.priority, t.created_at, t.concurrency_keys,
          dead.trace_id, dead.reason
      ), audited as (
        insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id, details)
        select md5(${redriveId} || id::text)::uuid, tenant_id, ${actor}, 'task.redriven', 'task', id::text,
          jsonb_build_object('trace', trace_id, 'reason', reason, 'effects', ${effects}::text) from revived
        on conflict do nothing
      ), sent as (
        insert into muster.outbox (tenant_id, topic, task_id, payload)
        select tenant_id, 'task.submitted', null, jsonb_build_object('taskIds', jsonb_agg(id))
        from revived where status = 'pending' group by tenant_id
      )
      select id, tenant_id, status, task_queue, priority, created_at, concurrency_keys, trace_id from revived
      union all
      select t.id, t.tenant_id, t.status, t.task_queue, t.priority, t.created_at, t.concurrency_keys,
        (a.details ->> 'trace')::uuid
      from muster.tasks t join muster.audit_log a on a.id = md5(${redriveId} || t.id::text)::uuid
      where t.id = any(${[...ids]}::uuid[])`.execute(this.#em.getKysely());
    return result.rows.map(readRedriven);
  }

  /** Which of these tasks there are. */
  async known(ids: readonly TaskId[]): Promise<Map<TaskId, TaskStatus>> {
    const result = await sql<{ id: string; status: TaskStatus }>`
      select id, status from muster.tasks where id = any(${[...ids]}::uuid[])`.execute(this.#em.getKysely());
    return new Map(result.rows.map((row) => [row.id as TaskId, row.status]));
  }
}

function matches({ graph, since }: DeadLetterFilter): RawBuilder<boolean> {
  return sql<boolean>`t.dead_lettered_at is not null
    and (${graph ?? null}::text is null or t.graph_name = ${graph ?? null})
    and (${since ?? null}::timestamptz is null or t.dead_lettered_at >= ${since ?? null})`;
}

function readDeadLetter(row: Row): DeadLetter {
  const error = readFailure(row.error);
  return {
    taskId: row.id as TaskId,
    tenant: row.tenant_id as TenantId,
    graph: row.graph_name as string,
    title: row.title as string,
    priority: bandOfPriority(row.priority as number),
    user: row.user_id as string | null,
    key: row.idempotency_key as string | null,
    reason: row.dead_letter_reason as string,
    error,
    node: error?.node ?? null,
    attempts: row.attempts as number,
    traceId: row.trace_id as TraceId | null,
    originTraceId: row.origin_trace_id as TraceId | null,
    traceCount: row.trace_count as number,
    createdAt: readDate(row.created_at as string),
    deadAt: readDate(row.dead_lettered_at as string),
  };
}

function readRedriven(row: Row): RedrivenTask {
  return {
    taskId: row.id as TaskId,
    tenant: row.tenant_id as TenantId,
    status: row.status as TaskStatus,
    taskQueue: row.task_queue as string,
    band: bandOfPriority(row.priority as number),
    createdAtMs: readDate(row.created_at as string).getTime(),
    keys: row.concurrency_keys as string[],
    originTraceId: row.trace_id as TraceId | null,
  };
}
