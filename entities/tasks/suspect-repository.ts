import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import {
  isOccupyingTaskStatus,
  OCCUPYING_TASK_STATUSES,
  OPEN_TASK_STATUSES,
  type TaskStatus,
} from '../../domain/tasks/task-status.ts';
import { type ClaimedTask, type ClaimedTaskRow, readClaimedTask } from './claimed-task.ts';

const OPEN = literals(OPEN_TASK_STATUSES);
const STATUSES = {
  occupying: literals(OCCUPYING_TASK_STATUSES),
  waiting: literals(OPEN_TASK_STATUSES.filter((status) => !isOccupyingTaskStatus(status))),
};

/** A task that should have ended by now. */
export interface OverdueTask {
  readonly task: ClaimedTask;
  /** Whether it is a cancel that was not carried out; otherwise its deadline has passed. */
  readonly isCancelled: boolean;
}

/** What a claim knows of its task. A trace that is gone, which nobody but a person removes, is one that no row has. */
const OPEN_TASK_COLUMNS = sql`t.id, t.tenant_id, t.graph_id, t.graph_name, t.task_queue, t.title, t.priority, t.user_id,
  t.fence, t.trace_count, t.deadline_at, t.status = 'paused' as paused,
  coalesce(r.id, '00000000-0000-0000-0000-000000000000'::uuid) as trace_id`;

/** Open tasks that may have lost their workflow, or should have ended. Needs a system unit of work to see all tenants'. */
export class SuspectRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** Keeps a second reconciler from looking at the same suspects, until the unit of work ends. False when one does. */
  async tryLock(): Promise<boolean> {
    const result = await sql<{ held: boolean }>`
      select pg_try_advisory_xact_lock(hashtext('muster'), hashtext('suspects')) as held`.execute(this.#em.getKysely());
    return result.rows[0]?.held === true;
  }

  /**
   * Open tasks that were claimed, or compared with Temporal, longer ago than this: those that occupy a place by
   * tasks_occupying_index, those that wait by tasks_checked_index.
   */
  async unchecked(kind: 'occupying' | 'waiting', seconds: number, limit: number): Promise<ClaimedTask[]> {
    const result = await sql<ClaimedTaskRow>`
      select ${OPEN_TASK_COLUMNS}
      from muster.tasks t join muster.agent_traces r on r.task_id = t.id and r.number = t.trace_count
      where t.status in (${STATUSES[kind]}) and t.checked_at < now() - make_interval(secs => ${seconds})
      order by t.checked_at limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map(readClaimedTask);
  }

  /**
   * Open tasks whose cancel was accepted, or whose deadline passed, longer ago than this: those first that were looked at
   * the longest ago. By tasks_cancel_requested_index and tasks_deadline_index.
   */
  async overdue(graceSeconds: number, limit: number): Promise<OverdueTask[]> {
    const since = sql`now() - make_interval(secs => ${graceSeconds})`;
    const result = await sql<ClaimedTaskRow & { cancelled: boolean }>`
      with due as (
        select t.id from muster.tasks t
        where t.cancel_requested_at <= ${since} and t.completed_at is null and t.status in (${OPEN})
        union
        select t.id from muster.tasks t
        where t.deadline_at <= ${since} and t.completed_at is null and t.status in (${OPEN})
      )
      select ${OPEN_TASK_COLUMNS}, t.cancel_requested_at is not null as cancelled
      from due d join muster.tasks t on t.id = d.id
        left join muster.agent_traces r on r.task_id = t.id and r.number = t.trace_count
      order by t.checked_at nulls first limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({ task: readClaimedTask(row), isCancelled: row.cancelled }));
  }

  /** A task with its claim, if it is open. */
  async findOpen(id: TaskId): Promise<ClaimedTask | null> {
    const result = await sql<ClaimedTaskRow>`
      select ${OPEN_TASK_COLUMNS} from muster.tasks t
        left join muster.agent_traces r on r.task_id = t.id and r.number = t.trace_count
      where t.id = ${id} and t.status in (${OPEN})`.execute(this.#em.getKysely());
    return result.rows[0] === undefined ? null : readClaimedTask(result.rows[0]);
  }

  /** Notes that tasks are looked at now, so that the next sweep looks at others first. */
  async markChecked(ids: readonly TaskId[]): Promise<void> {
    await sql`update muster.tasks set checked_at = now() where id = any(${[...ids]}::uuid[])
      and status in (${OPEN})`.execute(this.#em.getKysely());
  }
}

function literals(statuses: readonly TaskStatus[]): RawBuilder<unknown> {
  return sql.join(statuses.map((status) => sql.lit(status)));
}
