import { LockMode, sql } from '@mikro-orm/core';
import type { ErrorCode } from '../../domain/errors.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { OPEN_TASK_STATUSES, type TaskStatus, WAITING_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { auditRowsFrom } from '../audit/audit-rows.ts';
import { literal, now } from '../common-expressions.ts';
import { runPart } from '../insert-from.ts';
import { Repository } from '../repository.ts';
import { outboxRowsFrom } from '../system/outbox-rows.ts';
import { Tenant } from '../system/tenant.ts';
import { tables } from '../tables.ts';
import { AgentTrace } from '../traces/agent-trace.ts';
import { Task } from './task.ts';
import { readTask, type TaskRecord } from './task-record.ts';
import { readWaitingJob, type WaitingJob } from './waiting-job.ts';

/** Which tasks a list shows, newest first. */
export interface TaskFilter {
  readonly status?: TaskStatus;
  readonly graph?: string;
  readonly conversation?: string;
  /** True for tasks that have not ended although they were due; longest overdue first then. */
  readonly overdue?: boolean;
  /** 1 to 500. */
  readonly limit: number;
}

/** Who asks for the end of a task, and what its row says of it if it ends at once. */
export interface CancelWish {
  readonly actor: string;
  readonly code: ErrorCode & ('task_cancelled' | 'task_killed');
  readonly reason: string;
}

/**
 * The tasks of the unit of work's tenant. What changes one locks its row first, and is safe to repeat; `cancel`, `hold`,
 * `release` and `holdShared` are several statements, all others one.
 */
export class TaskRepository extends Repository {
  async find(id: TaskId): Promise<TaskRecord | null> {
    const task = await tables(this.em).selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst();
    return task === undefined ? null : readTask(task);
  }

  /** Newest first: ids grow with time. By tasks_tenant_id_unique; by tasks_conversation_index or tasks_due_index where asked. */
  async list({ status, graph, conversation, overdue = false, limit }: TaskFilter): Promise<TaskRecord[]> {
    const tasks = await tables(this.em)
      .selectFrom('tasks')
      .selectAll()
      .where((eb) =>
        eb.and([
          ...(status === undefined ? [] : [eb('status', '=', literal(status))]),
          ...(graph === undefined ? [] : [eb('graphName', '=', graph)]),
          ...(conversation === undefined ? [] : [eb('conversation', '=', conversation)]),
          ...(overdue ? [eb('dueDate', '<', now()), eb('completedAt', 'is', null)] : []),
        ]),
      )
      .$if(overdue, (query) => query.orderBy('dueDate').orderBy('id'))
      .$if(!overdue, (query) => query.orderBy('id', 'desc'))
      .limit(limit)
      .execute();
    return tasks.map(readTask);
  }

  /**
   * Cancels a task: a waiting one ends at once; of an open one the request is recorded, and from then on it can only
   * end as cancelled. The relay tells its workflow; a sweeper ends it where that does not help.
   * @returns null when it had ended
   */
  async cancel(id: TaskId, { actor, code, reason }: CancelWish): Promise<{ readonly ended: boolean } | null> {
    const task = await this.#lock(id, [...WAITING_TASK_STATUSES, ...OPEN_TASK_STATUSES]);
    if (task === null) return null;
    const ended = task.cancel({ code, message: reason });
    await this.em.flush();
    const { tenantId: tenant } = task;
    const action = ended ? 'task.cancelled' : 'task.cancel_requested';
    const audit = auditRowsFrom(null, {
      tenant,
      actor,
      action,
      subjectType: 'task',
      subjectId: id,
      details: { reason },
    });
    await runPart(this.em, audit);
    const topic = ended ? 'task.finished' : 'task.cancelled';
    await runPart(this.em, outboxRowsFrom(null, { tenant, topic, taskId: id }));
    return { ended };
  }

  /** The agents on whose behalf a task acts. */
  async actsFor(id: TaskId): Promise<readonly string[]> {
    const { actsFor } = await this.em.findOneOrFail(Task, { id }, { fields: ['actsFor'] });
    return actsFor ?? [];
  }

  /** The next task of a series; null where there is none, or not yet. */
  async successorOf(id: TaskId): Promise<TaskId | null> {
    const task = await this.em.findOne(Task, { predecessorId: id }, { fields: ['id'] });
    return task?.id ?? null;
  }

  /** Holds a task back before its start, whatever it waits for. False when it has started or ended. */
  async hold(id: TaskId): Promise<boolean> {
    const task = await this.#lock(id, WAITING_TASK_STATUSES);
    task?.hold();
    await this.em.flush();
    return task !== null;
  }

  /**
   * Undoes {@link hold}: the task may start, or waits on for its time or for what it depends on.
   * @returns its job, if it may start; null when it is not held, waits on, has started or ended
   */
  async release(id: TaskId): Promise<WaitingJob | null> {
    const task = await this.#lock(id, WAITING_TASK_STATUSES);
    if (task === null || task.heldAt === null) return null;
    const isDue = { id, $or: [{ startAfter: null }, { startAfter: { $lte: sql.now() } }] };
    const mayStart = task.release((await this.em.count(Task, isDue)) === 1);
    await this.em.flush();
    if (!mayStart) return null;
    const { tenantId: tenant } = task;
    const submitted = outboxRowsFrom(null, {
      tenant,
      topic: 'task.submitted',
      taskId: null,
      payload: { taskIds: [id] },
    });
    await runPart(this.em, submitted);
    return readWaitingJob(task);
  }

  /**
   * Records that a task which shares its execution is to pause, or that it is not to any more. The execution looks for
   * it four times a second, and the task leaves by it.
   * @returns false for any other task
   */
  async holdShared(id: TaskId, isHeld: boolean): Promise<boolean> {
    const task = await this.#lock(id, OPEN_TASK_STATUSES);
    // Asked after the lock: the task may have left while this waited for it.
    const carried = { taskId: id, status: 'running', carriedBy: { $ne: null } } as const;
    if (task === null || (await this.em.count(AgentTrace, carried)) === 0) return false;
    if (isHeld) task.hold();
    else task.release(false);
    await this.em.flush();
    return true;
  }

  /** Makes the tenant known. Its first use creates it; a repetition does nothing. */
  async ensureTenant(id: TenantId): Promise<void> {
    await this.em.createQueryBuilder(Tenant).insert({ id }).onConflict().ignore().execute();
  }

  #lock(id: TaskId, statuses: readonly TaskStatus[]): Promise<Task | null> {
    return this.em.findOne(Task, { id, status: { $in: statuses } }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  }
}
