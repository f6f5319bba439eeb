import { isUuid, type TaskId } from '../ids.ts';

/** The Temporal workflow that carries out one trace of a task. It holds no personal data: ids are stored in clear. */
export function taskWorkflowId(taskId: TaskId, traceNumber: number): string {
  return `${taskWorkflowPrefix(taskId)}${traceNumber}`;
}

/** What the ids of all workflows of a task begin with; the trace's number follows, in decimal digits. */
export function taskWorkflowPrefix(taskId: TaskId): string {
  return `task/${taskId}/`;
}

/** The inverse of {@link taskWorkflowId}; null for the id of any other workflow. */
export function parseTaskWorkflowId(workflowId: string): { taskId: TaskId; traceNumber: number } | null {
  const [kind, taskId = '', number = '', ...rest] = workflowId.split('/');
  if (kind !== 'task' || rest.length > 0 || !isUuid(taskId) || !/^[1-9]\d*$/.test(number)) return null;
  return { taskId: taskId as TaskId, traceNumber: Number(number) };
}
