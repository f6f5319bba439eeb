import { WorkflowNotFoundError } from '@temporalio/client';
import { GraphCache } from '../database/graph-cache.ts';
import type { TaskId } from '../domain/ids.ts';
import {
  isOpenTaskStatus,
  type OpenTaskStatus,
  type TaskStatus,
  WAITING_TASK_STATUSES,
} from '../domain/tasks/task-status.ts';
import { taskWorkflowId } from '../domain/tasks/workflow-id.ts';
import { waitAtMost } from '../domain/wait-at-most.ts';
import { SuspectRepository } from '../entities/tasks/suspect-repository.ts';
import type { TaskRecord } from '../entities/tasks/task-record.ts';
import { type CancelWish, TaskRepository } from '../entities/tasks/task-repository.ts';
import type { WaitingJob } from '../entities/tasks/waiting-job.ts';
import { endFromOutside } from '../operations/record/end-from-outside.ts';
import { pauseSignal, resumeSignal, statusQuery, type TaskProgress } from '../workflows/tasks/task-messages.ts';
import { TaskNotOpen } from './client-errors.ts';
import type { ClientStores } from './open-stores.ts';

const TEMPORAL_DEADLINE_MS = 5_000;
/** A caller waits no longer than this for what only saves the relay's second. */
const AT_ONCE_MS = 300;

/** What a caller may ask of a task while it waits or runs. */
export class TaskControl {
  readonly #stores: ClientStores;

  constructor(stores: ClientStores) {
    this.#stores = stores;
  }

  async cancel(task: TaskRecord, reason: string): Promise<void> {
    const asked = await this.#askToEnd(task, { code: 'task_cancelled', reason }, 'cancelled');
    // The wish is in PostgreSQL and the relay carries it; asking at once only saves its second.
    if (!asked.ended) await this.#tellAtOnce(task, (handle) => handle.cancel());
  }

  /** Two steps: should the program die between them, the first is a cancel, which ends the task too. */
  async kill(task: TaskRecord, reason: string): Promise<void> {
    const { database, queueFor, wakeUps } = this.#stores;
    const asked = await this.#askToEnd(task, { code: 'task_killed', reason }, 'killed');
    if (asked.ended) return;
    const open = await this.#stores.singleInTenant(({ em }) => new SuspectRepository(em).findOpen(task.id));
    const failure = { code: 'task_killed', message: reason };
    const end = { status: 'cancelled', failure, terminate: true } as const;
    const graphs = new GraphCache(database);
    const standing = open === null ? null : await endFromOutside({ database, graphs }, open.execution, end);
    if (standing?.isNew !== true) return this.#requireCancelled(task.id);
    // The rest is in the outbox; asking at once only saves its second.
    await Promise.allSettled([queueFor(task.taskQueue).released([task.id]), wakeUps.publishTask(task.id)]);
    await this.#tellAtOnce(task, (handle) => handle.terminate(reason));
  }

  /** Its workflow ended it at the same moment, as it was asked to; a task that had failed by then could not be killed. */
  async #requireCancelled(id: TaskId): Promise<void> {
    const now = await this.#inTasks((tasks) => tasks.find(id));
    if (now !== null && now.status !== 'cancelled') throw new TaskNotOpen(id, now.status, 'killed');
  }

  async #askToEnd(
    task: TaskRecord,
    wish: Pick<CancelWish, 'code' | 'reason'>,
    wanted: string,
  ): Promise<{ readonly ended: boolean }> {
    const asked = await this.#inTasks((tasks) => tasks.cancel(task.id, { ...wish, actor: 'client' }));
    if (asked === null) throw await this.#cameTooLate(task, wanted);
    if (asked.ended) {
      await this.#stores
        .queueFor(task.taskQueue)
        .remove([task.id])
        .catch(() => undefined);
    }
    return asked;
  }

  async #cameTooLate(task: TaskRecord, wanted: string): Promise<TaskNotOpen> {
    const now = (await this.#inTasks((tasks) => tasks.find(task.id))) ?? task;
    const next = now.recurrence === null ? null : await this.#inTasks((tasks) => tasks.successorOf(task.id));
    return new TaskNotOpen(task.id, now.status, wanted, next);
  }

  async pause(task: TaskRecord): Promise<void> {
    if (isWaiting(task) && (await this.#inTasks((tasks) => tasks.hold(task.id)))) {
      await this.#stores
        .queueFor(task.taskQueue)
        .remove([task.id])
        .catch(() => undefined);
      return;
    }
    await this.#ask(task, 'paused', (handle) => handle.signal(pauseSignal));
  }

  async resume(task: TaskRecord): Promise<void> {
    if (isWaiting(task)) {
      const job = await this.#inTasks((tasks) => tasks.release(task.id));
      if (job !== null) await this.#enqueue(job);
      return;
    }
    await this.#ask(task, 'resumed', (handle) => handle.signal(resumeSignal));
  }

  progress(task: TaskRecord): Promise<TaskProgress> {
    return this.#ask(task, 'asked for its progress', (handle) => handle.query(statusQuery));
  }

  async #ask<Answer>(task: TaskRecord, wanted: string, ask: AskWorkflow<Answer>): Promise<Answer> {
    const now = await this.#inTasks((tasks) => tasks.find(task.id));
    const status = now?.status ?? task.status;
    if (!isOpenTaskStatus(status)) throw new TaskNotOpen(task.id, status, wanted);
    try {
      return await this.#withHandle(now ?? task, ask);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw new TaskNotOpen(task.id, ENDING[status], wanted);
      throw error;
    }
  }

  /** Only a hint, as the outbox has it: nobody waits for a Temporal that is out of reach. */
  #tellAtOnce(task: TaskRecord, ask: AskWorkflow<unknown>): Promise<void> {
    return waitAtMost(AT_ONCE_MS, this.#withHandle(task, ask));
  }

  async #withHandle<Answer>(task: TaskRecord, ask: AskWorkflow<Answer>): Promise<Answer> {
    const { client } = await this.#stores.temporal();
    const handle = client.workflow.getHandle(taskWorkflowId(task.id, Math.max(1, task.traceCount)));
    return client.withDeadline(Date.now() + TEMPORAL_DEADLINE_MS, () => ask(handle));
  }

  /** Only a hint: the relay finds the outbox row. */
  async #enqueue(job: WaitingJob): Promise<void> {
    await this.#stores
      .queueFor(job.taskQueue)
      .enqueue([job])
      .catch(() => undefined);
  }

  #inTasks<Result>(work: (tasks: TaskRepository) => Promise<Result>): Promise<Result> {
    return this.#stores.inTenant(({ em }) => work(new TaskRepository(em)));
  }
}

function isWaiting({ status }: TaskRecord): boolean {
  return (WAITING_TASK_STATUSES as readonly TaskStatus[]).includes(status);
}

type AskWorkflow<Answer> = (
  handle: ReturnType<Awaited<ReturnType<ClientStores['temporal']>>['client']['workflow']['getHandle']>,
) => Promise<Answer>;

/** How to call a task that is open in PostgreSQL and not in Temporal: between its claim and its start, or at its end. */
const ENDING: Record<OpenTaskStatus, string> = {
  in_progress: 'just starting or ending',
  paused: 'just ending',
  waiting_input: 'just ending',
  waiting_approval: 'just ending',
};
