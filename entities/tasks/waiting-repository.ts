import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import { readWaitingJob, WAITING_JOB_COLUMNS, type WaitingJob, type WaitingJobRow } from './waiting-job.ts';

/** What waits, of all tenants: the truth that the index in Redis is compared with and rebuilt from. */
export class WaitingRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** One page of the waiting tasks of a task queue, first in line first, after this one: by tasks_claim_index. */
  async page(taskQueue: string, after: TaskId | null, limit: number): Promise<WaitingJob[]> {
    const rest =
      after === null
        ? sql`true`
        : sql`(t.priority, t.created_at, t.id) >
            (select l.priority, l.created_at, l.id from muster.tasks l where l.id = ${after}::uuid)`;
    const result = await sql<WaitingJobRow>`
      select ${WAITING_JOB_COLUMNS} from muster.tasks t
      where t.status = 'pending' and t.task_queue = ${taskQueue} and ${rest}
      order by t.priority, t.created_at, t.id limit ${limit}`.execute(this.#em.getKysely());
    return result.rows.map(readWaitingJob);
  }

  /** Those of these tasks that wait. */
  async among(ids: readonly TaskId[]): Promise<WaitingJob[]> {
    const result = await sql<WaitingJobRow>`
      select ${WAITING_JOB_COLUMNS} from muster.tasks t
      where t.id = any(${[...ids]}::uuid[]) and t.status = 'pending'`.execute(this.#em.getKysely());
    return result.rows.map(readWaitingJob);
  }

  async count(taskQueue: string): Promise<number> {
    const result = await sql<{ count: number }>`
      select count(*)::int as count from muster.tasks t
      where t.status = 'pending' and t.task_queue = ${taskQueue}`.execute(this.#em.getKysely());
    return result.rows[0]?.count ?? 0;
  }
}
