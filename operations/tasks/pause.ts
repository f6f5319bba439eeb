import { isWaitingTaskStatus } from '../../domain/tasks/task-status.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import { ChildRepository } from '../../entities/waits/child-repository.ts';
import { text } from '../../options/fields.ts';
import { audit } from '../audit.ts';
import { type Call, defineOperation } from '../define.ts';
import { TaskNotOpen } from '../operation-errors.ts';
import { askWorkflow } from './ask-workflow.ts';
import { readAlone } from './read.ts';
import { taskIdOf } from './task-fields.ts';

const HOLD = { effect: 'write', risk: 'external_write', permission: 'tasks:write', unit: 'none' } as const;
const FIELDS = { id: text() };

export const pauseTask = defineOperation({
  ...HOLD,
  name: 'tasks.pause',
  summary: 'Starts nothing more of a task until it is resumed.',
  input: FIELDS,
  handle: (call, { id }: { readonly id: string }) => withChildren(call, id, pauseOne),
});

export const resumeTask = defineOperation({
  ...HOLD,
  name: 'tasks.resume',
  summary: 'Lets a paused task continue.',
  input: FIELDS,
  handle: (call, { id }: { readonly id: string }) => withChildren(call, id, resumeOne),
});

async function pauseOne(call: Call, id: string): Promise<void> {
  const task = await readAlone(call, id);
  if (!isWaitingTaskStatus(task.status) || !(await hold(call, task))) return askNow(call, id, 'paused');
  const { queueFor } = call.stores;
  await queueFor(task.taskQueue)
    .remove([task.id])
    .catch(() => undefined);
}

async function resumeOne(call: Call, id: string): Promise<void> {
  const task = await readAlone(call, id);
  if (!isWaitingTaskStatus(task.status)) return askNow(call, id, 'resumed');
  const job = await release(call, task);
  const { queueFor } = call.stores;
  // Only a hint: the relay finds the outbox row.
  if (job !== null)
    await queueFor(job.taskQueue)
      .enqueue([job])
      .catch(() => undefined);
}

/** Does the same to the tasks that the runs of a task wait for, and to theirs. One that has ended meanwhile is left alone. */
async function withChildren(call: Call, id: string, move: (call: Call, id: string) => Promise<void>): Promise<void> {
  await move(call, id);
  const { caller, stores } = call;
  const taskId = taskIdOf(caller.tenant, id);
  const open = await stores.database.single.inTenant(caller.tenant, ({ em }) => new ChildRepository(em).open(taskId));
  for (const child of open) {
    await withChildren(call, child, move).catch((error: unknown) => {
      if (!(error instanceof TaskNotOpen)) throw error;
    });
  }
}

/** Holds a task back before its start. False when it has started meanwhile. */
function hold(call: Call, { id, held }: TaskRecord): Promise<boolean> {
  const { caller, stores } = call;
  return stores.database.inTenant(caller.tenant, async ({ em }) => {
    const isHeld = await new TaskRepository(em).hold(id);
    if (isHeld && !held) await audit(em, call, { action: 'task.paused', subjectType: 'task', subjectId: id });
    return isHeld;
  });
}

async function release(call: Call, { id, held }: TaskRecord): Promise<WaitingJob | null> {
  const { caller, stores } = call;
  if (!held) return null;
  return stores.database.inTenant(caller.tenant, async ({ em }) => {
    const job = await new TaskRepository(em).release(id);
    await audit(em, call, { action: 'task.resumed', subjectType: 'task', subjectId: id });
    return job;
  });
}

/** The task may have moved on since it was read. That it was asked is in the audit log before its workflow hears of it. */
async function askNow(call: Call, id: string, wanted: 'paused' | 'resumed'): Promise<void> {
  const { caller, stores } = call;
  const verb = wanted === 'paused' ? 'pause' : 'resume';
  const task = await readAlone(call, id);
  await askWorkflow(task, wanted, async () => {
    const note = { action: `task.${verb}_requested`, subjectType: 'task', subjectId: id };
    await stores.database.single.inTenant(caller.tenant, ({ em }) => audit(em, call, note));
    return (await stores.workflows[verb](task)) ?? holdShared(call, task, wanted === 'paused');
  });
}

/** A task that shares its execution has no workflow of its own to ask. Null for one that does not share it. */
async function holdShared({ caller, stores }: Call, { id }: TaskRecord, isHeld: boolean): Promise<true | null> {
  const isShared = await stores.database.inTenant(caller.tenant, ({ em }) =>
    new TaskRepository(em).holdShared(id, isHeld),
  );
  return isShared ? true : null;
}
