import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { GraphId, TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/status.ts';
import { readDate } from '../read-row.ts';

/** A task that this process has just taken, with the trace that was opened for it. */
export interface ClaimedTask {
  readonly execution: ExecutionRef;
  readonly graphName: string;
  readonly taskQueue: string;
  readonly title: string;
  readonly priority: PriorityBand;
}

/** Who claims, and what it can carry out. */
export interface Claimant {
  readonly workerId: string;
  readonly taskQueue: string;
  /** The handlers that it hosts, as `kind:name`. Tasks of graphs that need others stay where they are. */
  readonly handlers: readonly string[];
}

/** A task that waits and could start now. */
export interface ReadyTask {
  readonly taskId: TaskId;
  readonly band: PriorityBand;
  readonly createdAtMs: number;
}

interface ClaimRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly graph_id: string;
  readonly graph_name: string;
  readonly task_queue: string;
  readonly title: string;
  readonly priority: number;
  readonly user_id: string | null;
  readonly fence: string;
  readonly trace_count: number;
  readonly trace_id: string;
}

const OPEN = sql.join(OPEN_TASK_STATUSES.map((status) => sql.lit(status)));
/**
 * A task of a user waits while another task of the user is open (one probe of the partial unique index), and while one
 * waits that comes before it (tasks_user_waiting_index): tasks of one user start in order, whoever claims them.
 */
const USER_IS_FREE = sql`(t.user_id is null or not exists (
  select from muster.tasks o where o.tenant_id = t.tenant_id and o.user_id = t.user_id and o.status in (${OPEN}))
  and not exists (
  select from muster.tasks e where e.tenant_id = t.tenant_id and e.user_id = t.user_id and e.status = 'pending'
    and (e.priority, e.created_at, e.id) < (t.priority, t.created_at, t.id)))`;

/** Whether every handler of a task's graph is hosted, by agent_components_graph_node_unique. */
function isHosted({ handlers }: Pick<Claimant, 'handlers'>): RawBuilder<boolean> {
  return sql<boolean>`not exists (select from muster.agent_components c where c.graph_id = t.graph_id
    and c.handler is not null and c.component_type || ':' || c.handler <> all (${[...handlers]}::text[]))`;
}

/** What the dispatcher and the reconciler do with tasks of all tenants. Needs a system unit of work. */
export class ClaimRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Moves pending tasks to `in_progress` under a new fence and opens a trace for each, with its first event when `record`
   * is set, in one statement. What is not pending, not hosted, or behind another task of the same user, is left out. Two
   * dispatchers that race for two tasks of one user collide on the unique index (SQLSTATE 23505): the caller claims one
   * by one then. Repeating it with the same trace ids, after a commit whose answer was lost, returns what it claimed.
   */
  async claim(
    wanted: ReadonlyMap<TaskId, TraceId>,
    claimant: Claimant,
    { record }: { readonly record: boolean },
  ): Promise<ClaimedTask[]> {
    const result = await sql<ClaimRow>`
      with wanted as (
        select * from unnest(${[...wanted.keys()]}::uuid[], ${[...wanted.values()]}::uuid[])
          as w(task_id, trace_id)
      ), free as (
        select t.id, t.tenant_id, t.user_id, t.priority, t.created_at, w.trace_id
        from muster.tasks t join wanted w on w.task_id = t.id
        where t.status = 'pending' and t.task_queue = ${claimant.taskQueue}
          and ${isHosted(claimant)} and ${USER_IS_FREE}
        for update of t skip locked
      ), chosen as (
        select distinct on (tenant_id, coalesce('user ' || user_id, id::text)) id, trace_id from free
        order by tenant_id, coalesce('user ' || user_id, id::text), priority, created_at, id
      ), claimed as (
        update muster.tasks t set status = 'in_progress', fence = t.fence + 1, trace_count = t.trace_count + 1,
          claimed_by = ${claimant.workerId}, claimed_at = now(), started_at = coalesce(t.started_at, now())
        from chosen c where t.id = c.id
        returning t.id, t.tenant_id, t.graph_id, t.graph_name, t.task_queue, t.title, t.priority, t.user_id, t.fence,
          t.trace_count, c.trace_id
      ), traced as (
        insert into muster.agent_traces (id, tenant_id, task_id, number, graph_id, workflow_id, status, user_id, next_seq)
        select trace_id, tenant_id, id, trace_count, graph_id, 'task/' || id || '/' || trace_count, 'running', user_id, 2
        from claimed
      ), started as (
        insert into muster.trace_events (trace_id, seq, tenant_id, type, at)
        select trace_id, 1, tenant_id, 'trace.started', clock_timestamp() from claimed where ${record}
      ), sent as (
        update muster.outbox o set sent_at = now() from claimed c
        where o.task_id = c.id and o.topic = 'task.submitted' and o.sent_at is null
      )
      select * from claimed
      union all
      select t.id, t.tenant_id, t.graph_id, t.graph_name, t.task_queue, t.title, t.priority, t.user_id, t.fence,
        t.trace_count, r.id
      from wanted w join muster.agent_traces r on r.id = w.trace_id
        join muster.tasks t on t.id = r.task_id and t.trace_count = r.number and t.status in (${OPEN})`.execute(
      this.#em.getKysely(),
    );
    return result.rows.map(readClaim);
  }

  /** Tasks that could start now, first in line first, by tasks_claim_index: what works when Redis does not. */
  async ready(claimant: Pick<Claimant, 'taskQueue' | 'handlers'>, limit: number): Promise<ReadyTask[]> {
    const result = await sql<{ id: string; priority: number; created_at: string }>`
      select t.id, t.priority, t.created_at from muster.tasks t
      where t.status = 'pending' and t.task_queue = ${claimant.taskQueue}
        and ${isHosted(claimant)} and ${USER_IS_FREE}
      order by t.priority, t.created_at, t.id limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map(readReady);
  }

  /** How refused candidates stand: only those that still wait are returned. */
  async standing(
    ids: readonly TaskId[],
    claimant: Pick<Claimant, 'handlers'>,
  ): Promise<(ReadyTask & { hosted: boolean; free: boolean })[]> {
    const result = await sql<{ id: string; priority: number; created_at: string; hosted: boolean; free: boolean }>`
      select t.id, t.priority, t.created_at, ${isHosted(claimant)} as hosted,
        ${USER_IS_FREE} as free
      from muster.tasks t where t.id = any(${[...ids]}::uuid[]) and t.status = 'pending'`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({ ...readReady(row), hosted: row.hosted, free: row.free }));
  }

  /** One page of the waiting tasks of a task queue, first in line first, to rebuild the index from: by tasks_claim_index. */
  async waiting(taskQueue: string, after: TaskId | null, limit: number): Promise<ReadyTask[]> {
    const rest =
      after === null
        ? sql`true`
        : sql`(t.priority, t.created_at, t.id) >
            (select l.priority, l.created_at, l.id from muster.tasks l where l.id = ${after}::uuid)`;
    const result = await sql<{ id: string; priority: number; created_at: string }>`
      select t.id, t.priority, t.created_at from muster.tasks t
      where t.status = 'pending' and t.task_queue = ${taskQueue} and ${rest} and ${USER_IS_FREE}
      order by t.priority, t.created_at, t.id limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map(readReady);
  }

  async waitingCount(taskQueue: string): Promise<number> {
    const result = await sql<{ count: number }>`
      select count(*)::int as count from muster.tasks t
      where t.status = 'pending' and t.task_queue = ${taskQueue} and ${USER_IS_FREE}`.execute(this.#em.getKysely());
    return result.rows[0]?.count ?? 0;
  }

  /** The next waiting task of the user whose task this is, if none of the user's tasks is open. */
  async nextOfSameUser(taskId: TaskId): Promise<(ReadyTask & { taskQueue: string }) | null> {
    const result = await sql<{ id: string; priority: number; created_at: string; task_queue: string }>`
      select t.id, t.priority, t.created_at, t.task_queue
      from muster.tasks e join muster.tasks t on t.tenant_id = e.tenant_id and t.user_id = e.user_id
      where e.id = ${taskId} and t.status = 'pending' and ${USER_IS_FREE}
      order by t.priority, t.created_at, t.id limit 1`.execute(this.#em.getKysely());
    const row = result.rows[0];
    return row === undefined ? null : { ...readReady(row), taskQueue: row.task_queue };
  }

  /** Which of these tasks have ended: how a dispatcher learns that it may take more. */
  async ended(ids: readonly TaskId[]): Promise<TaskId[]> {
    const result = await sql<{ id: string }>`
      select id from muster.tasks where id = any(${[...ids]}::uuid[]) and status not in (${OPEN})`.execute(
      this.#em.getKysely(),
    );
    return result.rows.map((row) => row.id as TaskId);
  }

  /** Keeps a second reconciler from looking at the same suspects, until the unit of work ends. False when one does. */
  async tryLockSuspects(): Promise<boolean> {
    const result = await sql<{ held: boolean }>`
      select pg_try_advisory_xact_lock(hashtext('muster'), hashtext('suspects')) as held`.execute(this.#em.getKysely());
    return result.rows[0]?.held === true;
  }

  /**
   * Open tasks that were claimed longer ago than this, for the reconciler to compare with Temporal. Locked against a
   * second reconciler until the unit of work ends.
   */
  async openLongerThan(seconds: number, limit: number): Promise<ClaimedTask[]> {
    const result = await sql<ClaimRow>`
      select t.id, t.tenant_id, t.graph_id, t.graph_name, t.task_queue, t.title, t.priority, t.user_id, t.fence,
        t.trace_count, r.id as trace_id
      from muster.tasks t join muster.agent_traces r on r.task_id = t.id and r.number = t.trace_count
      where t.status in (${OPEN}) and t.claimed_at < now() - make_interval(secs => ${seconds})
      order by t.claimed_at limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map(readClaim);
  }

  /** Notes that an open task was found in good order, so that the next sweep looks at others first. */
  async touch(ids: readonly TaskId[]): Promise<void> {
    await sql`update muster.tasks set claimed_at = now() where id = any(${[...ids]}::uuid[])
      and status in (${OPEN})`.execute(this.#em.getKysely());
  }
}

function readReady(row: { id: string; priority: number; created_at: string }): ReadyTask {
  return {
    taskId: row.id as TaskId,
    band: bandOfPriority(row.priority),
    createdAtMs: readDate(row.created_at).getTime(),
  };
}

function readClaim(row: ClaimRow): ClaimedTask {
  return {
    execution: {
      tenant: row.tenant_id as TenantId,
      taskId: row.id as TaskId,
      traceId: row.trace_id as TraceId,
      traceNumber: row.trace_count,
      user: row.user_id,
      graphId: row.graph_id as GraphId,
      fence: Number(row.fence),
    },
    graphName: row.graph_name,
    taskQueue: row.task_queue,
    title: row.title,
    priority: bandOfPriority(row.priority),
  };
}
