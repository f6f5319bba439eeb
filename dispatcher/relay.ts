import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Database } from '../database/transaction.ts';
import { errorMessage } from '../domain/errors.ts';
import type { TaskId } from '../domain/ids.ts';
import type { ExecutionRef } from '../domain/tasks/execution.ts';
import { isOpenTaskStatus } from '../domain/tasks/status.ts';
import { taskWorkflowId } from '../domain/tasks/workflow-id.ts';
import { type OutboxEntry, OutboxRepository } from '../entities/system/outbox-repository.ts';
import { ClaimRepository } from '../entities/tasks/claim-repository.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import type { WakeUps } from '../redis/wake-ups.ts';
import { Loop, type LoopLog } from './loop.ts';

export interface RelayOptions {
  readonly database: Database;
  readonly client: Client;
  /** The job queue of a Temporal task queue. */
  readonly queueFor: (taskQueue: string) => JobQueue;
  readonly wakeUps: WakeUps;
  readonly log: LoopLog;
}

/** Rows younger than this are usually sent by whoever wrote them. */
const GRACE_MS = 1_000;
const BATCH_SIZE = 200;
const IDLE_MS = 1_000;
const TEMPORAL_DEADLINE_MS = 3_000;

/**
 * Carries outbox rows out: jobs into Redis, cancels into Temporal, ends to whoever waits. Every step may happen twice
 * and is harmless then. A row that cannot be sent stays, and comes again for ever; a crash leaves all rows of its batch
 * unsent.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #loop: Loop;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#loop = new Loop('relay', options.log, () => this.#turn());
  }

  start(): void {
    this.#loop.start();
  }

  /**
   * Does at once what the outbox row of an end asks for, so that nobody waits for the next turn. Only a hint: the row
   * stays, and its turn does it again.
   */
  taskEnded({ taskId, user }: ExecutionRef): void {
    const hints = [this.#options.wakeUps.publishTask(taskId)];
    if (user !== null) hints.push(this.#enqueueNext(taskId));
    Promise.all(hints).catch(() => undefined);
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #turn(): Promise<number> {
    const count = await this.#options.database.inSystem('relay', async ({ em }) => {
      const outbox = new OutboxRepository(em);
      const entries = await outbox.claimUnsent(GRACE_MS, BATCH_SIZE);
      const sent: string[] = [];
      for (const entry of entries) {
        try {
          if (await this.#send(entry)) sent.push(entry.id);
        } catch (error) {
          // What stopped this row will most likely stop the others: Redis or Temporal is away.
          await outbox.markFailed([entry.id], errorMessage(error));
          break;
        }
      }
      await outbox.markSent(sent);
      return sent.length;
    });
    return count === BATCH_SIZE ? 0 : IDLE_MS;
  }

  /** @returns whether the row is done with */
  async #send(entry: OutboxEntry): Promise<boolean> {
    switch (entry.topic) {
      case 'task.submitted':
        if (entry.status === 'pending') await this.#options.queueFor(entry.taskQueue).enqueue([entry]);
        return true;
      case 'task.cancelled':
        return this.#cancel(entry);
      case 'task.finished':
        await this.#options.wakeUps.publishTask(entry.taskId);
        if (entry.user !== null) await this.#enqueueNext(entry.taskId);
        return true;
    }
  }

  async #cancel(entry: OutboxEntry): Promise<boolean> {
    if (!isOpenTaskStatus(entry.status)) return true;
    const { client } = this.#options;
    const handle = client.workflow.getHandle(taskWorkflowId(entry.taskId, entry.traceCount));
    try {
      await client.withDeadline(Date.now() + TEMPORAL_DEADLINE_MS, () => handle.cancel());
      return true;
    } catch (error) {
      // Claimed and not started yet, or closed and not written yet: the next turn knows more.
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /** Lets the next task of the same user into the queue, now that none of the user's tasks is open. */
  async #enqueueNext(taskId: TaskId): Promise<void> {
    const { database, queueFor } = this.#options;
    const next = await database.single.inSystem('relay', ({ em }) => new ClaimRepository(em).nextOfSameUser(taskId));
    if (next !== null) await queueFor(next.taskQueue).enqueue([next]);
  }
}
