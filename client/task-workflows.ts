import { WorkflowNotFoundError } from '@temporalio/client';
import { taskWorkflowId } from '../domain/tasks/workflow-id.ts';
import type { TaskRecord } from '../entities/tasks/task-record.ts';
import type { TaskWorkflows } from '../operations/stores.ts';
import type { TemporalClient } from '../temporal/connect.ts';
import { pauseSignal, resumeSignal, statusQuery } from '../workflows/tasks/task-messages.ts';

const DEADLINE_MS = 5_000;

type Handle = ReturnType<TemporalClient['client']['workflow']['getHandle']>;

/** The workflows of tasks, reached over a connection that is made when it is first needed. */
export function taskWorkflows(temporal: () => Promise<TemporalClient>): TaskWorkflows {
  const ask = async <Answer>(task: TaskRecord, work: (handle: Handle) => Promise<Answer>): Promise<Answer | null> => {
    const { client } = await temporal();
    const handle = client.workflow.getHandle(taskWorkflowId(task.id, Math.max(1, task.traceCount)));
    return client
      .withDeadline(Date.now() + DEADLINE_MS, () => work(handle))
      .catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      });
  };
  const tell = (task: TaskRecord, work: (handle: Handle) => Promise<unknown>) =>
    ask(task, async (handle) => {
      await work(handle);
      return true as const;
    });
  return {
    cancel: (task) => tell(task, (handle) => handle.cancel()),
    terminate: (task, reason) => tell(task, (handle) => handle.terminate(reason)),
    pause: (task) => tell(task, (handle) => handle.signal(pauseSignal)),
    resume: (task) => tell(task, (handle) => handle.signal(resumeSignal)),
    progress: (task) => ask(task, (handle) => handle.query(statusQuery)),
  };
}
