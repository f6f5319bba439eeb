import type { ExecuteTaskInput, ExecuteTaskResult } from '../../domain/tasks/execution.ts';
import { TaskExecution } from './task-execution.ts';

/**
 * Carries out one trace of a task.
 *
 * Id: `task/<task id>/<trace number>`, see `domain/tasks/execution.ts`. Its messages are in `task-messages.ts`.
 * Cancellation lets running nodes end, writes the task as cancelled and ends the workflow as cancelled. Continues as new
 * when the server suggests it, with its whole state, once every run has ended or rests between two calls.
 */
export async function executeTask(input: ExecuteTaskInput): Promise<ExecuteTaskResult> {
  const execution = new TaskExecution(input);
  execution.listen();
  await execution.runToEnd();
  return execution.finish();
}
