import { WriteRefused } from '../../database/database-errors.ts';
import { withRecord } from '../../database/with-record.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toFailure } from '../failure.ts';

export interface MarkTaskInput {
  readonly execution: ExecutionRef;
  readonly status: 'paused' | 'in_progress';
}

/**
 * Writes that a task was paused or resumed. A task that has ended keeps its end. The workflow is what pauses, so a record
 * that PostgreSQL refuses is left out.
 */
export async function markTask(deps: ActivityDependencies, { execution, status }: MarkTaskInput): Promise<void> {
  try {
    await withRecord(deps, (record) =>
      deps.database.inTenant(execution.tenant, async ({ em }) => {
        const marked = await new TaskRepository(em).markOpen(execution.taskId, execution.fence, status);
        const type = status === 'paused' ? 'trace.paused' : 'trace.resumed';
        if (marked && record) await new TraceRepository(em).append(execution.traceId, [{ type }]);
      }),
    );
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
