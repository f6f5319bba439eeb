import { WriteRefused } from '../../database/database-errors.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import type { OpenTaskStatus } from '../../domain/tasks/task-status.ts';
import { moveTask } from '../../operations/record/move-task.ts';
import { withTrace } from '../../operations/record/recording.ts';
import type { ActivityDependencies } from '../dependencies.ts';

export interface ExecutionMove {
  readonly execution: ExecutionRef;
  readonly status: OpenTaskStatus;
}

/**
 * Writes that a task was paused, waits, or continues, and frees or takes its slots with it. A task that has ended keeps its
 * end. The execution is what pauses, so a record that PostgreSQL refuses is left out.
 */
export async function moveExecution(deps: ActivityDependencies, { execution, status }: ExecutionMove): Promise<void> {
  const move = { execution, status, workerId: status === 'in_progress' ? deps.process : null };
  try {
    const settings = await deps.queueSettings();
    const moved = await withTrace(deps.log, (trace) =>
      deps.database.inSystem('dispatch', ({ em }) => moveTask({ em, trace }, move, settings)),
    );
    if (moved !== null) deps.taskMoved(execution, status, moved.slots);
  } catch (error) {
    if (!(error instanceof WriteRefused)) throw error;
    const facts = { taskId: execution.taskId, error: error.message };
    deps.log.error(facts, `PostgreSQL refused to record that the task is ${status}`);
  }
}
