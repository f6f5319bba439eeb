import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { type MovedTask, moveOpenTask, type OpenMove } from '../../entities/tasks/statements/move-open-task.ts';
import type { TraceParts } from '../../entities/traces/event-rows.ts';
import { Recorder } from './recorder.ts';

/** A pause, a wait, or their end. */
export interface TaskMove extends OpenMove {
  readonly execution: Pick<ExecutionRef, 'taskId' | 'fence' | 'traceId'>;
}

/**
 * Writes that a task was paused, waits, or continues: its status, its slots, and its event where the status is new. Two
 * statements.
 * @returns null when the task has ended or was claimed again
 */
export async function moveTask(
  { em, trace }: { readonly em: SqlEntityManager; readonly trace: TraceParts },
  move: TaskMove,
  settings: QueueSettings,
): Promise<MovedTask | null> {
  const task = await moveOpenTask(em, move, settings);
  const type = move.status === 'in_progress' ? 'trace.resumed' : 'trace.paused';
  if (task?.isNew === true)
    await new Recorder(em, trace).eventHappened(move.execution.traceId, [{ type, data: { status: move.status } }]);
  return task;
}
