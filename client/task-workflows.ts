import type { WorkflowHandle } from '@temporalio/client';
import { taskWorkflowId } from '../domain/tasks/execution.ts';
import type { TaskRecord } from '../entities/tasks/task-record.ts';
import type { TaskWorkflows } from '../operations/stores.ts';
import { callWorkflow } from '../temporal/call-workflow.ts';
import type { TemporalClient } from '../temporal/connect.ts';
import { readHistory } from '../temporal/read-history.ts';
import {
  approvalDecidedSignal,
  movingSignal,
  pauseSignal,
  resumeSignal,
  statusQuery,
  waitEndedSignal,
} from '../workflows/tasks/task-messages.ts';

const DEADLINE_MS = 5_000;

/** The workflows of tasks, reached over a connection that is made when it is first needed. */
export function taskWorkflows(temporal: () => Promise<TemporalClient>): TaskWorkflows {
  const ask = async <Answer>(task: TaskRecord, work: (handle: WorkflowHandle) => Promise<Answer>) => {
    const { client } = await temporal();
    return callWorkflow(client, taskWorkflowId(task.id, Math.max(1, task.traceCount)), work, DEADLINE_MS);
  };
  const tell = (task: TaskRecord, work: (handle: WorkflowHandle) => Promise<unknown>) =>
    ask(task, async (handle) => {
      await work(handle);
      return true as const;
    });
  return {
    cancel: (task) => tell(task, (handle) => handle.cancel()),
    terminate: (task, reason) => tell(task, (handle) => handle.terminate(reason)),
    pause: (task) => tell(task, (handle) => handle.signal(pauseSignal)),
    approvalDecided: (task, approvalId) => tell(task, (handle) => handle.signal(approvalDecidedSignal, approvalId)),
    waitEnded: (task, waitId) => tell(task, (handle) => handle.signal(waitEndedSignal, waitId)),
    moving: (task) => tell(task, (handle) => handle.signal(movingSignal)),
    resume: (task) => tell(task, (handle) => handle.signal(resumeSignal)),
    progress: (task) => ask(task, (handle) => handle.query(statusQuery)),
    history: async (workflowId) => readHistory((await temporal()).client, workflowId),
  };
}
