import { WriteRefused } from '../../database/database-errors.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { moveOpenTask } from '../../entities/tasks/statements/move-open-task.ts';
import { Recorder } from '../../operations/record/recorder.ts';
import { withTrace } from '../../operations/record/recording.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toFailure } from '../failure.ts';

export interface MarkTaskInput {
  readonly execution: ExecutionRef;
  readonly status: 'paused' | 'in_progress';
}

/**
 * Writes that a task was paused or resumed, and frees or takes its slots with it. A task that has ended keeps its end. The
 * workflow is what pauses, so a record that PostgreSQL refuses is left out.
 */
export async function markTask(deps: ActivityDependencies, { execution, status }: MarkTaskInput): Promise<void> {
  const move = { execution, status, workerId: deps.process };
  try {
    const settings = await deps.queueSettings();
    const moved = await withTrace(deps.log, (trace) =>
      deps.database.inSystem('dispatch', async ({ em }) => {
        const task = await moveOpenTask(em, move, settings);
        const type = status === 'paused' ? 'trace.paused' : 'trace.resumed';
        if (task?.isNew === true) await new Recorder(em, trace).eventHappened(execution.traceId, [{ type }]);
        return task;
      }),
    );
    if (moved !== null) deps.taskMoved(execution, status, moved.slots);
  } catch (error) {
    if (error instanceof WriteRefused) {
      deps.log.error(
        { taskId: execution.taskId, error: error.message },
        `PostgreSQL refused to record that the task is ${status}`,
      );
      return;
    }
    throw toFailure(error);
  }
}
