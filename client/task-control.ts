import { WorkflowNotFoundError } from '@temporalio/client';
import {
  isOpenTaskStatus,
  type OpenTaskStatus,
  type TaskStatus,
  WAITING_TASK_STATUSES,
} from '../domain/tasks/status.ts';
import { taskWorkflowId } from '../domain/tasks/workflow-id.ts';
import type { TaskRecord } from '../entities/tasks/task-record.ts';
import { TaskRepository } from '../entities/tasks/task-repository.ts';
import type { WaitingJob } from '../entities/tasks/waiting-job.ts';
import { pauseSignal, resumeSignal, statusQuery, type TaskProgress } from '../workflows/tasks/messages.ts';
import { TaskNotOpen } from './errors.ts';
import type { ClientStores } from './open-stores.ts';

const TEMPORAL_DEADLINE_MS = 5_000;

/** What a caller may ask of a task while it waits or runs. */
export class TaskControl {
  readonly #stores: ClientStores;

  constructor(stores: ClientStores) {
    this.#stores = stores;
  }

  async cancel(task: TaskRecord, reason: string): Promise<void> {
    const ended = await this.#inTasks((tasks) => tasks.cancelWaiting(task.id, 'client', reason));
    if (ended) {
      await this.#stores
        .queueFor(task.taskQueue)
        .remove([task.id])
        .catch(() => undefined);
      return;
    }
    const requested = await this.#inTasks((tasks) => tasks.requestCancel(task.id, 'client', reason));
    if (!requested) throw new TaskNotOpen(task.id, task.status, 'cancelled');
    // The wish is in PostgreSQL and the relay carries it; asking at once only saves its second.
    await this.#withHandle(task, (handle) => handle.cancel()).catch(() => undefined);
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
    return this.#stores.singleInTenant(({ em }) => work(new TaskRepository(em)));
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
