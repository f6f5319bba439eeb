import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { type CancelWish, TaskRepository } from '../../entities/tasks/task-repository.ts';
import { text } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import type { Call, CallInUnit } from '../define.ts';
import { TaskNotOpen } from '../operation-errors.ts';
import { requireTask } from './read.ts';
import { reason } from './task-fields.ts';

/** Which task is to end, and why. */
export interface EndInput {
  readonly id: string;
  readonly reason?: string;
}

export const END_FIELDS = { id: text(), reason: reason.optional() };
export const NO_REASON = 'no reason was given';

/** A task that was asked to end, and whether it has ended with that: one that waited does. */
export interface AskedToEnd {
  readonly task: TaskRecord;
  readonly ended: boolean;
}

/** Writes down that a task is to end. From then on it ends as nothing else. @throws TaskUnknown, TaskNotOpen */
export async function askToEnd(
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

/** Takes the job of a task that ended before its start out of its queue. */
export function forgetJob({ stores }: Call, { task }: AskedToEnd): Promise<unknown> {
  return stores.queueFor(task.taskQueue).remove([task.id]);
}
