import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/status.ts';
import { type ClaimedTask, type ClaimedTaskRow, readClaimedTask } from './claimed-task.ts';

const OPEN = sql.join(OPEN_TASK_STATUSES.map((status) => sql.lit(status)));

/** Open tasks that may have lost their workflow, of all tenants. Needs a system unit of work. */
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

  /** Open tasks that were claimed, or compared with Temporal, longer ago than this: by tasks_checked_index. */
  async unchecked(seconds: number, limit: number): Promise<ClaimedTask[]> {
    const result = await sql<ClaimedTaskRow>`
      select t.id, t.tenant_id, t.graph_id, t.graph_name, t.task_queue, t.title, t.priority, t.user_id, t.fence,
        t.trace_count, t.deadline_at, r.id as trace_id
      from muster.tasks t join muster.agent_traces r on r.task_id = t.id and r.number = t.trace_count
      where t.status in (${OPEN}) and t.checked_at < now() - make_interval(secs => ${seconds})
      order by t.checked_at limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map(readClaimedTask);
  }

  /** Notes that tasks are looked at now, so that the next sweep looks at others first. */
  async markChecked(ids: readonly TaskId[]): Promise<void> {
    await sql`update muster.tasks set checked_at = now() where id = any(${[...ids]}::uuid[])
      and status in (${OPEN})`.execute(this.#em.getKysely());
  }
}
