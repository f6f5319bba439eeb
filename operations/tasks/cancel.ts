import { waitAtMost } from '../../domain/wait-at-most.ts';
import { defineOperation } from '../define.ts';
import { askToEnd, END_FIELDS, type EndInput, forgetJob, NO_REASON } from './ask-to-end.ts';
import { AT_ONCE_MS } from './ask-workflow.ts';

/** Asks for the end of a task: see {@link TaskHandle.cancel}. @throws TaskUnknown, TaskNotOpen */
export const cancelTask = defineOperation({
  name: 'tasks.cancel',
  summary: 'Asks a task to end; one that waits ends at once.',
  effect: 'write',
  permission: 'tasks:write',
  unit: 'tenant',
  input: END_FIELDS,
  handle: (call, { id, reason = NO_REASON }: EndInput) =>
    askToEnd(call, { id, wanted: 'cancelled', code: 'task_cancelled', reason }),
  // The wish is in PostgreSQL and the relay carries it; asking at once only saves its second.
  after: (call, asked) =>
    asked.ended ? forgetJob(call, asked) : waitAtMost(AT_ONCE_MS, call.stores.workflows.cancel(asked.task)),
});
