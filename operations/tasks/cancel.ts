import pTimeout from 'p-timeout';
import { SuspectRepository } from '../../entities/tasks/suspect-repository.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { type CancelWish, TaskRepository } from '../../entities/tasks/task-repository.ts';
import { text } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { type Call, type CallInUnit, defineOperation } from '../define.ts';
import { TaskNotOpen } from '../operation-errors.ts';
import { endFromOutside } from '../record/end-from-outside.ts';
import { AT_ONCE_MS } from './ask-workflow.ts';
import { readAlone, requireTask } from './read.ts';
import { reason } from './task-fields.ts';

/** Which task is to end, and why. */
export interface EndInput {
  readonly id: string;
  readonly reason?: string;
}

const END_FIELDS = { id: text(), reason: reason.optional() };
const NO_REASON = 'no reason was given';

/** A task that was asked to end, and whether it has already ended: a waiting one ends at once. */
export interface AskedToEnd {
  readonly task: TaskRecord;
  readonly ended: boolean;
}

/** Records the cancel request; from then on the task can only end as cancelled. @throws TaskUnknown, TaskNotOpen */
async function askToEnd(
  { em, caller }: CallInUnit,
  { id, wanted, ...wish }: { readonly id: string; readonly wanted: string } & Omit<CancelWish, 'actor'>,
): Promise<AskedToEnd> {
  const tasks = new TaskRepository(em);
  const task = await requireTask(em, caller.tenant, id);
  const asked = await tasks.cancel(task.id, { ...wish, actor: actorOf(caller) });
  if (asked !== null) return { task, ended: asked.ended };
  const next = task.recurrence === null ? null : await tasks.successorOf(task.id);
  const now = await requireTask(em, caller.tenant, id);
  throw new TaskNotOpen(task.id, now.status, wanted, next);
}

/** Removes the job of a task that ended before its start. */
function forgetJob({ stores }: Call, { task }: AskedToEnd): Promise<unknown> {
  return stores.queueFor(task.taskQueue).remove([task.id]);
}

export const cancelTask = defineOperation({
  name: 'tasks.cancel',
  summary: 'Asks a task to end; one that waits ends at once.',
  effect: 'write',
  risk: 'external_write',
  permission: 'tasks:write',
  unit: 'tenant',
  input: END_FIELDS,
  handle: (call, { id, reason = NO_REASON }: EndInput) =>
    askToEnd(call, { id, wanted: 'cancelled', code: 'task_cancelled', reason }),
  // The wish is in PostgreSQL and the relay carries it; asking at once only saves its second.
  after: hurryEnd,
});

/** Tells the queue, or the workflow, of a task that was asked to end. Only saves time. */
export function hurryEnd(call: Call, asked: AskedToEnd): Promise<unknown> {
  if (asked.ended) return forgetJob(call, asked);
  return pTimeout(call.stores.workflows.cancel(asked.task), { milliseconds: AT_ONCE_MS, message: false });
}

/** Two steps: should the program die between them, the first is a cancel, which ends the task too. */
export const killTask = defineOperation({
  name: 'tasks.kill',
  summary: 'Ends a task at once, whatever its workflow does.',
  effect: 'write',
  risk: 'high_risk',
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

async function endOpen(call: Call, task: TaskRecord, reason: string): Promise<void> {
  const { caller, stores } = call;
  const [open = null] = await stores.database.single.inTenant(caller.tenant, ({ em }) =>
    new SuspectRepository(em).findOpen([task.id]),
  );
  const failure = { code: 'task_killed', message: reason };
  const end = { status: 'cancelled', failure, terminate: true } as const;
  const standing = open === null ? null : await endFromOutside(stores, open.execution, end);
  // Its fence grew at this moment.
  if (open !== null && standing === null) return endOpen(call, task, reason);
  if (standing?.isNew !== true) return requireCancelled(call, task);
  // The outbox does the rest within a second; asking now saves that second.
  await Promise.allSettled([
    stores.queueFor(task.taskQueue).released([task.id]),
    stores.wakeUps.publishTask(task.id),
    pTimeout(stores.workflows.terminate(task, reason), { milliseconds: AT_ONCE_MS, message: false }),
  ]);
}

/**
 * Accepts a task that its workflow ended as cancelled at the same moment; a task that had failed by then could not be
 * killed.
 */
async function requireCancelled(call: Call, { id }: TaskRecord): Promise<void> {
  const { status } = await readAlone(call, id);
  if (status !== 'cancelled') throw new TaskNotOpen(id, status, 'killed');
}
