import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Database, Transaction } from '../database/transaction.ts';
import type { TaskId } from '../domain/ids.ts';
import { Loop, type LoopLog, Loops } from '../domain/system/loop.ts';
import type { OutboxTopic } from '../domain/system/outbox.ts';
import { BUDGET_GRANTED_SIGNAL, type ExecutionRef, TASK_MOVING, taskWorkflowId } from '../domain/tasks/execution.ts';
import { WAIT_ENDED } from '../domain/tasks/run-waits.ts';
import { isOpenTaskStatus } from '../domain/tasks/task-status.ts';
import { APPROVAL_DECIDED } from '../domain/tools/approval-words.ts';
import {
  type OutboxEntry,
  OutboxRepository,
  type OutboxTask,
  type UnsentEntry,
} from '../entities/system/outbox-repository.ts';
import type { Consequences } from '../operations/tasks/consequences.ts';
import { EndedTasks } from '../operations/tasks/ended-tasks.ts';
import { enqueueJobs } from '../operations/tasks/enqueue-jobs.ts';
import type { FollowedEnds } from '../operations/tasks/follow-ends.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import type { WakeUps } from '../redis/wake-ups.ts';
import { callWorkflow } from '../temporal/call-workflow.ts';
import { explain } from '../temporal/refusals.ts';
import { isOutage, verdictOf } from './verdict.ts';

export interface RelayOptions {
  readonly database: Database;
  readonly client: Client;
  /** The job queue of a Temporal task queue. */
  readonly queueFor: (taskQueue: string) => JobQueue;
  readonly wakeUps: WakeUps;
  readonly consequences: Consequences;
  readonly log: LoopLog;
}

/** Rows of one topic, and what their tasks say by now. */
interface Batch {
  readonly em: Transaction['em'];
  readonly entries: readonly OutboxEntry[];
  readonly tasks: ReadonlyMap<TaskId, OutboxTask>;
}

/** A row that was not sent, with the error; null for one that is to be looked at again. */
interface Failed {
  readonly id: string;
  readonly error: unknown;
}

/** Rows that are done with, and why the others are not. */
interface Sent {
  readonly sent: readonly string[];
  readonly failed: readonly Failed[];
  /** What is to be told once this is committed. */
  readonly followed?: FollowedEnds;
}

interface Turn {
  readonly sent: number;
  readonly full: boolean;
}

type SendBatch = (batch: Batch) => Promise<Sent>;

/** Rows younger than this are usually sent by their writers. */
const GRACE_MS = 1_000;
/** Rows of one turn. One row of a submit may name a thousand tasks; a cancel is a call to Temporal. */
const BATCH_SIZE: Record<OutboxTopic, number> = {
  'task.submitted': 50,
  'task.cancelled': 50,
  'task.killed': 50,
  'task.moving': 50,
  'task.finished': 500,
  'approval.decided': 50,
  'wait.ended': 50,
  'budget.granted': 50,
};
const IDLE_MS = 1_000;
/** The longest between two tries of a row, in seconds: of one whose store is unavailable, and of one that alone fails. */
const MOST_WAIT_SECONDS = { outage: 2, row: 60 };
const NOT_THERE = 'the workflow is not there';

/**
 * Carries outbox rows out: jobs into Redis, cancels and terminations into Temporal, ends to those who wait. Each topic has
 * its own loop, so that a store that is unavailable holds up no other. Every step may happen twice and is harmless then.
 *
 * A row that cannot be sent stays and comes again, less and less often, and holds up no other: where a batch fails and its
 * store is there, its rows are sent one by one. A row that is refused for good is given up, with a warning in the log: the
 * sweeps of the stores do without it. A crash leaves all rows of its batch unsent.
 */
export class Relay extends Loops {
  readonly #options: RelayOptions;
  readonly #ended: EndedTasks;

  constructor(options: RelayOptions) {
    const loopOf = (topic: OutboxTopic, send: SendBatch) =>
      new Loop({ name: `relay ${topic}`, turn: () => this.#next(topic, send), log: options.log, explain });
    super([
      loopOf('task.submitted', (batch) => this.#enqueue(batch)),
      loopOf('task.cancelled', (batch) => this.#each(batch, (entry) => this.#cancel(entry, batch.tasks))),
      loopOf('task.killed', (batch) => this.#each(batch, (entry) => this.#terminate(entry))),
      loopOf('task.moving', (batch) => this.#each(batch, (entry) => this.#tellMoving(entry, batch.tasks))),
      loopOf('approval.decided', (batch) => this.#tellWaits(batch, APPROVAL_DECIDED)),
      loopOf('wait.ended', (batch) => this.#tellWaits(batch, WAIT_ENDED)),
      loopOf('task.finished', (batch) => this.#finish(batch)),
      loopOf('budget.granted', (batch) => this.#each(batch, (entry) => this.#tellGranted(entry, batch.tasks))),
    ]);
    this.#options = options;
    this.#ended = new EndedTasks(options);
  }

  /**
   * Does at once what the outbox row of an end asks for, so that nobody waits for the next turn. Only a hint: the row
   * stays, and its turn does it again.
   */
  taskEnded({ taskId }: ExecutionRef): void {
    this.#ended.add(taskId);
  }

  override async stop(): Promise<void> {
    await super.stop();
    await this.#ended.settled();
  }

  async #next(topic: OutboxTopic, send: SendBatch): Promise<number> {
    const { sent, full } = await this.#turn(topic, send);
    return full && sent > 0 ? 0 : IDLE_MS;
  }

  async #turn(topic: OutboxTopic, send: SendBatch): Promise<Turn> {
    try {
      return await this.#batch(topic, send, BATCH_SIZE[topic]);
    } catch (error) {
      if (isOutage(error)) throw error;
    }
    return this.#oneByOne(topic, send);
  }

  async #batch(topic: OutboxTopic, send: SendBatch, size: number, claimed?: (ids: string[]) => void): Promise<Turn> {
    const { database, consequences } = this.#options;
    const turn = await database.inSystem('relay', async ({ em }) => {
      const outbox = new OutboxRepository(em);
      const entries = await outbox.claimUnsent(topic, GRACE_MS, size);
      claimed?.(entries.map((entry) => entry.id));
      if (entries.length === 0) return { sent: 0, full: false };
      const { sent, failed, followed } = await send({ em, entries, tasks: await outbox.tasksOf(entries) });
      await outbox.markSent(sent);
      await this.#note(outbox, topic, failed);
      return { sent: sent.length, full: entries.length === size, followed };
    });
    if (turn.followed !== undefined) await consequences.tell(turn.followed);
    return turn;
  }

  /** Each row in a transaction of its own, after one that all shared was refused. */
  async #oneByOne(topic: OutboxTopic, send: SendBatch): Promise<Turn> {
    let sent = 0;
    for (let row = 0; row < BATCH_SIZE[topic]; row += 1) {
      let ids: readonly string[] = [];
      try {
        const turn = await this.#batch(topic, send, 1, (claimed) => {
          ids = claimed;
        });
        if (!turn.full) return { sent, full: false };
        sent += turn.sent;
      } catch (error) {
        if (isOutage(error) || ids.length === 0) throw error;
        const failed = ids.map((id) => ({ id, error }));
        await this.#options.database.inSystem('relay', ({ em }) => this.#note(new OutboxRepository(em), topic, failed));
      }
    }
    return { sent, full: true };
  }

  async #note(outbox: OutboxRepository, topic: OutboxTopic, failed: readonly Failed[]): Promise<void> {
    const unsent = (those: readonly Failed[]): UnsentEntry[] =>
      those.map(({ id, error }) => ({ id, reason: error === null ? NOT_THERE : explain(error) }));
    const refused = failed.filter(({ error }) => verdictOf(error) !== null);
    const others = failed.filter(({ error }) => verdictOf(error) === null);
    for (const { id, reason } of unsent(refused)) {
      this.#options.log.warn(
        { topic, outboxId: id, error: reason },
        'outbox row permanently rejected; giving up on it',
      );
    }
    await outbox.refuse(unsent(refused));
    await outbox.markFailed(unsent(others.filter(({ error }) => !isOutage(error))), MOST_WAIT_SECONDS.row);
    await outbox.markFailed(unsent(others.filter(({ error }) => isOutage(error))), MOST_WAIT_SECONDS.outage);
  }

  #enqueue({ entries, tasks }: Batch): Promise<Sent> {
    return together(entries, async (those) => {
      const named = those.flatMap(({ taskIds }) => taskIds.flatMap((id) => tasks.get(id) ?? []));
      const pending = named.filter((task) => task.status === 'pending');
      await enqueueJobs(this.#options.queueFor, pending);
    });
  }

  async #finish({ em, entries, tasks }: Batch): Promise<Sent> {
    const { consequences, queueFor, wakeUps } = this.#options;
    // What needs PostgreSQL only does not wait for Redis.
    const followed = await consequences.within(em, [...tasks.keys()]);
    const sent = await together(entries, async (those) => {
      const ended = those.flatMap(({ taskIds }) => taskIds.flatMap((id) => tasks.get(id) ?? []));
      for (const [taskQueue, own] of Map.groupBy(ended, (task) => task.taskQueue)) {
        await queueFor(taskQueue).released(own.map((task) => task.taskId));
      }
      await Promise.all(ended.map((task) => wakeUps.publishTask(task.taskId)));
    });
    return { ...sent, followed };
  }

  async #each({ entries }: Batch, send: (entry: OutboxEntry) => Promise<boolean>): Promise<Sent> {
    const failed: Failed[] = [];
    const sent: string[] = [];
    await Promise.all(
      entries.map(async (entry) => {
        try {
          if (await send(entry)) sent.push(entry.id);
          else failed.push({ id: entry.id, error: null });
        } catch (error) {
          failed.push({ id: entry.id, error });
        }
      }),
    );
    return { sent, failed };
  }

  /** @returns whether the row is done with */
  async #cancel({ taskIds }: OutboxEntry, tasks: Batch['tasks']): Promise<boolean> {
    const [taskId] = taskIds;
    const task = taskId === undefined ? undefined : tasks.get(taskId);
    if (task === undefined || !task.cancelRequested || !isOpenTaskStatus(task.status)) return true;
    // Claimed and not started yet, or closed and not written yet: the next turn knows more, and the sweeper ends it.
    return this.#ask(task.taskId, task.traceCount, (handle) => handle.cancel());
  }

  /** @returns true: a workflow that is not there, or has closed, is what was wanted */
  async #terminate({ taskIds, traceNumber }: OutboxEntry): Promise<boolean> {
    const [taskId] = taskIds;
    if (taskId === undefined || traceNumber === null) return true;
    await this.#ask(taskId, traceNumber, (handle) => handle.terminate('Its task was ended without it.'));
    return true;
  }

  /** A task that has ended, or began a new trace, waits for nobody: its row is done with. */
  #tellWaits(batch: Batch, signal: string): Promise<Sent> {
    return this.#each(batch, async ({ taskIds: [taskId], traceNumber, waitId }) => {
      const task = taskId === undefined ? undefined : batch.tasks.get(taskId);
      if (task === undefined || waitId === null || !isOpenTaskStatus(task.status)) return true;
      if (task.traceCount !== traceNumber) return true;
      return this.#ask(task.taskId, traceNumber, (handle) => handle.signal(signal, waitId));
    });
  }

  /** @returns whether the row is done with: a task that has ended, or began a new trace, moves nowhere */
  async #tellMoving({ taskIds: [taskId], traceNumber }: OutboxEntry, tasks: Batch['tasks']): Promise<boolean> {
    const task = taskId === undefined ? undefined : tasks.get(taskId);
    if (task?.traceCount !== traceNumber || !isOpenTaskStatus(task.status)) return true;
    return this.#ask(task.taskId, task.traceCount, (handle) => handle.signal(TASK_MOVING));
  }

  /** A task whose workflow is not there, or has closed, looks at its budget when it starts. @returns true */
  async #tellGranted({ taskIds }: OutboxEntry, tasks: Batch['tasks']): Promise<boolean> {
    const open = taskIds.flatMap((id) => tasks.get(id) ?? []).filter(({ status }) => isOpenTaskStatus(status));
    const tell = (handle: WorkflowHandle) => handle.signal(BUDGET_GRANTED_SIGNAL);
    await Promise.all(open.map(({ taskId, traceCount }) => this.#ask(taskId, traceCount, tell)));
    return true;
  }

  /** @returns whether the workflow is there and open */
  async #ask(taskId: TaskId, traceNumber: number, ask: (handle: WorkflowHandle) => Promise<unknown>): Promise<boolean> {
    return (await callWorkflow(this.#options.client, taskWorkflowId(taskId, traceNumber), ask)) !== null;
  }
}

/** Sends rows in one go; where that fails although the store is there, each by itself. */
async function together(
  entries: readonly OutboxEntry[],
  send: (entries: readonly OutboxEntry[]) => Promise<void>,
): Promise<Sent> {
  try {
    await send(entries);
    return { sent: entries.map((entry) => entry.id), failed: [] };
  } catch (error) {
    const [first] = entries;
    if (isOutage(error) || entries.length === 1 || first === undefined) {
      return { sent: [], failed: entries.map(({ id }) => ({ id, error })) };
    }
  }
  const each: Sent[] = [];
  for (const entry of entries) each.push(await together([entry], send));
  return { sent: each.flatMap(({ sent }) => sent), failed: each.flatMap(({ failed }) => failed) };
}
