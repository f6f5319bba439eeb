import type { TaskId, TraceId } from '../../domain/ids.ts';
import { MAX_HOLDERS } from '../../domain/tasks/cause.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { literal } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';

/** A run that has begun and not ended. */
export interface OpenRun {
  readonly path: RunPath;
  readonly kind: string;
  readonly agent: string;
  /** False while it waits for its next attempt. */
  readonly isRunning: boolean;
  readonly nextAttemptAt: Date | null;
  /** Whether its last attempt was given back to wait for a limit. */
  readonly limited: boolean;
  /** The process of its last attempt. */
  readonly process: string | null;
  /** Why it waits for its next attempt. */
  readonly reason: string | null;
}

/** So many open runs of a task are looked at. */
const MAX_OPEN_RUNS = 50;

/** What a task waits for, in the caller's tenant. Every method is one statement. */
export class CauseRepository extends Repository {
  /** The tasks that it depends on and that have not completed. By task_dependencies_pkey. */
  async unended(id: TaskId): Promise<TaskId[]> {
    const tasks = await tables(this.em)
      .selectFrom('task_dependencies as d')
      .innerJoin('tasks as t', 't.id', 'd.dependsOnTaskId')
      .select('t.id')
      .where('d.taskId', '=', id)
      .where('t.status', '<>', literal('completed'))
      .orderBy('t.createdAt')
      .limit(MAX_HOLDERS)
      .execute();
    return tasks.map((task) => task.id);
  }

  /** The tasks that hold the slots of a concurrency key, the longest first. By concurrency_slots_pkey. */
  async holders(key: string): Promise<TaskId[]> {
    const slots = await tables(this.em)
      .selectFrom('concurrency_slots')
      .select('taskId')
      .where('key', '=', key)
      .orderBy('takenAt')
      .limit(MAX_HOLDERS)
      .execute();
    return slots.map(({ taskId }) => taskId);
  }

  /** How many tasks of its tenant wait before a pending task, in its band or a higher one. By tasks_claim_index. */
  async ahead(id: TaskId): Promise<number> {
    const counted = await tables(this.em)
      .selectFrom('tasks as t')
      .innerJoin('tasks as o', (join) =>
        join
          .onRef('o.taskQueue', '=', 't.taskQueue')
          .on('o.status', '=', literal('pending'))
          .on((eb) =>
            eb(eb.refTuple('o.priority', 'o.createdAt', 'o.id'), '<', eb.refTuple('t.priority', 't.createdAt', 't.id')),
          ),
      )
      .select(({ fn }) => fn.countAll<string>().as('ahead'))
      .where('t.id', '=', id)
      .executeTakeFirst();
    return Number(counted?.ahead ?? 0);
  }

  /** The runs of a trace that have begun and not ended. By agent_runs_trace_node_unique. */
  async openRuns(traceId: TraceId): Promise<OpenRun[]> {
    const runs = await tables(this.em)
      .selectFrom('agent_runs')
      .select(['nodeId as path', 'kind', 'agent', 'status', 'nextAttemptAt', 'limited', 'workerId', 'errorText'])
      .where('traceId', '=', traceId)
      .where('finishedAt', 'is', null)
      .orderBy('nodeId')
      .limit(MAX_OPEN_RUNS)
      .execute();
    return runs.map(({ status, workerId: process, errorText: reason, ...run }) => {
      return { ...run, isRunning: status === 'running', process, reason };
    });
  }
}
