import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId } from '../../../domain/ids.ts';
import { OCCUPYING_TASK_STATUSES } from '../../../domain/tasks/task-status.ts';

/** A task that occupies a place of a worker. */
export interface OccupyingTask {
  readonly taskId: TaskId;
  /** Whether it needs no worker for now: nodes of it wait (for a limit, a host, their next attempt) and none runs. */
  readonly isIdle: boolean;
}

const OCCUPYING = sql.join(OCCUPYING_TASK_STATUSES.map((status) => sql.lit(status)));

/**
 * The tasks that occupy places of one worker: those that it claimed or continued, and that neither ended nor wait. By
 * tasks_occupying_index, which holds no other tasks, however many wait. SQL, because the builder cannot say the lateral
 * look at the runs of each. Needs a system unit of work.
 */
export async function occupiedPlaces(em: SqlEntityManager, workerId: string): Promise<OccupyingTask[]> {
  const result = await sql<{ id: TaskId; idle: boolean }>`
    select t.id, coalesce(runs.waiting and not runs.running, false) as idle
    from muster.tasks t left join muster.agent_traces r on r.task_id = t.id and r.number = t.trace_count
      left join lateral (
        select bool_or(n.status = 'running') as running, bool_or(n.status = 'pending') as waiting
        from muster.agent_runs n where n.trace_id = r.id
      ) runs on true
    where t.claimed_by = ${workerId} and t.status in (${OCCUPYING})`.execute(em.getKysely());
  return result.rows.map((row) => ({ taskId: row.id, isIdle: row.idle }));
}
