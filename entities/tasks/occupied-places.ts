import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId } from '../../domain/ids.ts';
import { tables } from '../tables.ts';
import { OCCUPYING } from './expressions.ts';

/** A task that occupies a place of a worker. */
export interface OccupyingTask {
  readonly taskId: TaskId;
  /** Whether it needs no worker for now: nodes of it wait (for a limit, a host, their next attempt) and none runs. */
  readonly isIdle: boolean;
  /** Whether a shared execution carries it. */
  readonly isShared: boolean;
}

/**
 * The tasks that occupy places of one worker: those that it claimed or continued, and that neither ended nor wait. By
 * tasks_occupying_index, which holds no other tasks, however many wait. Needs a system unit of work.
 */
export async function occupiedPlaces(em: SqlEntityManager, workerId: string): Promise<OccupyingTask[]> {
  const tasks = await tables(em)
    .selectFrom('tasks as t')
    .leftJoin('agent_traces as r', (join) => join.onRef('r.taskId', '=', 't.id').onRef('r.number', '=', 't.traceCount'))
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('agent_runs as n')
          .select((run) => [
            run.fn<boolean>('bool_or', [run('n.status', '=', 'running')]).as('running'),
            run.fn<boolean>('bool_or', [run('n.status', '=', 'pending')]).as('waiting'),
          ])
          .whereRef('n.traceId', '=', 'r.id')
          .as('runs'),
      (join) => join.onTrue(),
    )
    .select(['t.id', 'r.carriedBy', 'runs.running', 'runs.waiting'])
    .where('t.claimedBy', '=', workerId)
    .where('t.status', 'in', OCCUPYING)
    .execute();
  return tasks.map(({ id, carriedBy, running, waiting }) => ({
    taskId: id,
    isIdle: waiting === true && running !== true,
    isShared: carriedBy !== null,
  }));
}
