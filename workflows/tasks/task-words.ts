import type { Failure } from '../../domain/tasks/execution.ts';

/** What the Web UI calls a change of the status. */
export const LABELS = {
  paused: 'pause',
  waiting_approval: 'wait for approval',
  waiting_input: 'wait for input',
  in_progress: 'resume',
} as const;

/** The failure of a task as its workflow's. */
export function describeFailure(failure: Failure | null): [message: string, type: string] {
  if (failure === null) return ['The task failed.', 'task_failed'];
  return [failure.node === undefined ? failure.message : `${failure.node}: ${failure.message}`, failure.code];
}
