import { isWaitingTaskStatus } from '../../domain/tasks/task-status.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { text } from '../../options/fields.ts';
import { type Call, defineOperation } from '../define.ts';
import { askWorkflow } from './ask-workflow.ts';
import { requireTask } from './read.ts';

interface IdInput {
  readonly id: string;
}

/** Starts nothing more of a task until it is resumed; running nodes end. Repeatable. @throws TaskUnknown, TaskNotOpen */
export const pauseTask = defineOperation({
  name: 'tasks.pause',
  summary: 'Starts nothing more of a task until it is resumed.',
  effect: 'write',
  permission: 'tasks:write',
  unit: 'none',
  input: { id: text() },
  async handle(call, { id }: IdInput) {
    const task = await read(call, id);
    if (isWaitingTaskStatus(task.status) && (await inTasks(call, (tasks) => tasks.hold(task.id)))) {
      const { queueFor } = call.stores;
      await queueFor(task.taskQueue)
        .remove([task.id])
        .catch(() => undefined);
      return;
    }
    await askNow(call, task, 'paused', 'pause');
  },
});

/** Undoes {@link pauseTask}. Repeatable. @throws TaskUnknown, TaskNotOpen */
export const resumeTask = defineOperation({
  name: 'tasks.resume',
  summary: 'Lets a paused task continue.',
  effect: 'write',
  permission: 'tasks:write',
  unit: 'none',
  input: { id: text() },
  async handle(call, { id }: IdInput) {
    const task = await read(call, id);
    if (!isWaitingTaskStatus(task.status)) return askNow(call, task, 'resumed', 'resume');
    const job = await inTasks(call, (tasks) => tasks.release(task.id));
    const { queueFor } = call.stores;
    // Only a hint: the relay finds the outbox row.
    if (job !== null)
      await queueFor(job.taskQueue)
        .enqueue([job])
        .catch(() => undefined);
  },
});

/** The task may have moved on since it was read. */
async function askNow(call: Call, { id }: TaskRecord, wanted: string, verb: 'pause' | 'resume'): Promise<void> {
  const task = await read(call, id);
  await askWorkflow(task, wanted, () => call.stores.workflows[verb](task));
}

function read({ caller, stores }: Call, id: string): Promise<TaskRecord> {
  return stores.database.single.inTenant(caller.tenant, ({ em }) => requireTask(em, caller.tenant, id));
}

function inTasks<Result>({ caller, stores }: Call, work: (tasks: TaskRepository) => Promise<Result>): Promise<Result> {
  return stores.database.inTenant(caller.tenant, ({ em }) => work(new TaskRepository(em)));
}
