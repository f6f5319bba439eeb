import { waitAtMost } from '../../domain/wait-at-most.ts';
import { SuspectRepository } from '../../entities/tasks/suspect-repository.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { type Call, defineOperation } from '../define.ts';
import { TaskNotOpen } from '../operation-errors.ts';
import { endFromOutside } from '../record/end-from-outside.ts';
import { askToEnd, END_FIELDS, type EndInput, forgetJob, NO_REASON } from './ask-to-end.ts';
import { AT_ONCE_MS } from './ask-workflow.ts';
import { requireTask } from './read.ts';

/**
 * Ends a task at once: see {@link TaskHandle.kill}. Two steps: should the program die between them, the first is a
 * cancel, which ends the task too.
 * @throws TaskUnknown, TaskNotOpen
 */
export const killTask = defineOperation({
  name: 'tasks.kill',
  summary: 'Ends a task at once, whatever its workflow does.',
  effect: 'write',
  permission: 'tasks:write',
  unit: 'none',
  input: END_FIELDS,
  async handle(call, { id, reason = NO_REASON }: EndInput) {
    const { caller, stores } = call;
    const asked = await stores.database.inTenant(caller.tenant, ({ em }) =>
      askToEnd({ ...call, em }, { id, wanted: 'killed', code: 'task_killed', reason }),
    );
    if (asked.ended) await forgetJob(call, asked).catch(() => undefined);
    else await endOpen(call, asked.task, reason);
  },
});

async function endOpen({ caller, stores }: Call, task: TaskRecord, reason: string): Promise<void> {
  const { database } = stores;
  const open = await database.single.inTenant(caller.tenant, ({ em }) => new SuspectRepository(em).findOpen(task.id));
  const failure = { code: 'task_killed', message: reason };
  const end = { status: 'cancelled', failure, terminate: true } as const;
  const standing = open === null ? null : await endFromOutside(stores, open.execution, end);
  if (standing?.isNew !== true) return requireCancelled({ caller, stores }, task);
  // The rest is in the outbox; asking at once only saves its second.
  await Promise.allSettled([
    stores.queueFor(task.taskQueue).released([task.id]),
    stores.wakeUps.publishTask(task.id),
    waitAtMost(AT_ONCE_MS, stores.workflows.terminate(task, reason)),
  ]);
}

/** Its workflow ended it at the same moment, as it was asked to; a task that had failed by then could not be killed. */
async function requireCancelled(
  { caller, stores }: Pick<Call, 'caller' | 'stores'>,
  { id }: TaskRecord,
): Promise<void> {
  const { status } = await stores.database.single.inTenant(caller.tenant, ({ em }) =>
    requireTask(em, caller.tenant, id),
  );
  if (status !== 'cancelled') throw new TaskNotOpen(id, status, 'killed');
}
