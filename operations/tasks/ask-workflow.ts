import { isOpenTaskStatus, type OpenTaskStatus } from '../../domain/tasks/task-status.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskNotOpen } from '../operation-errors.ts';

/**
 * How to call a task that is open in PostgreSQL and not in Temporal: between its claim, or its leaving a shared execution,
 * and its start, or at its end.
 */
const ENDING: Record<OpenTaskStatus, string> = {
  in_progress: 'just starting or ending',
  paused: 'just starting or ending',
  waiting_input: 'just ending',
  waiting_approval: 'just ending',
};

/** A caller waits no longer than this for what only saves the relay's second. */
export const AT_ONCE_MS = 300;

/**
 * Asks the workflow of an open task.
 * @param wanted completes "… cannot be"
 * @throws TaskNotOpen, TemporalUnreachable
 */
export async function askWorkflow<Answer>(
  task: TaskRecord,
  wanted: string,
  ask: () => Promise<Answer | null>,
): Promise<Answer> {
  const { id, status } = task;
  if (!isOpenTaskStatus(status)) throw new TaskNotOpen(id, status, wanted);
  const answer = await ask();
  if (answer === null) throw new TaskNotOpen(id, ENDING[status], wanted);
  return answer;
}
