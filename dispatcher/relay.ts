import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Database, Transaction } from '../database/transaction.ts';
import type { LoopPulse } from '../domain/agents/liveness-stalls.ts';
import { errorMessage } from '../domain/errors.ts';
import type { TaskId } from '../domain/ids.ts';
import type { OutboxTopic } from '../domain/system/outbox.ts';
import type { ExecutionRef } from '../domain/tasks/execution.ts';
import { isOpenTaskStatus } from '../domain/tasks/status.ts';
import { taskWorkflowId } from '../domain/tasks/workflow-id.ts';
import { type OutboxEntry, OutboxRepository, type OutboxTask } from '../entities/system/outbox-repository.ts';
import { enqueueJobs } from '../redis/enqueue-jobs.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import type { WakeUps } from '../redis/wake-ups.ts';
import type { Consequences } from './consequences.ts';
import { EndedTasks } from './ended-tasks.ts';
import type { FollowedEnds } from './follow-ends.ts';
import { Loop, type LoopLog } from './loop.ts';

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

/** Rows that are done with, and why the others are not. */
interface Sent {
  readonly sent: readonly string[];
  readonly failed: readonly string[];
  readonly reason: string;
  /** What is to be told once this is committed. */
  readonly followed?: FollowedEnds;
}

/** Rows younger than this are usually sent by whoever wrote them. */
const GRACE_MS = 1_000;
/** Rows of one turn. One row of a submit may name a thousand tasks; a cancel is a call to Temporal. */
const BATCH_SIZE: Record<OutboxTopic, number> = { 'task.submitted': 50, 'task.cancelled': 50, 'task.finished': 500 };
const IDLE_MS = 1_000;
const TEMPORAL_DEADLINE_MS = 3_000;

/**
 * Carries outbox rows out: jobs into Redis, cancels into Temporal, ends to whoever waits. Each topic has its own loop, so
 * that one whose store is away holds up no other. Every step may happen twice and is harmless then. A row that cannot be
 * sent stays, and comes again for ever; a crash leaves all rows of its batch unsent.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #loops: readonly Loop[];
  readonly #ended: EndedTasks;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#ended = new EndedTasks(options);
    this.#loops = [
      this.#loopOf('task.submitted', (batch) => this.#enqueue(batch)),
      this.#loopOf('task.cancelled', (batch) => this.#cancel(batch)),
      this.#loopOf('task.finished', (batch) => this.#finish(batch)),
    ];
  }

  /** The pulse of the loop that is most behind. */
  get pulse(): LoopPulse {
    return this.#loops
      .map((loop) => loop.pulse)
      .reduce((worst, one) => (one.overdueMs > worst.overdueMs ? one : worst));
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  /**
   * Does at once what the outbox row of an end asks for, so that nobody waits for the next turn. Only a hint: the row
   * stays, and its turn does it again.
   */
  taskEnded({ taskId }: ExecutionRef): void {
    this.#ended.add(taskId);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
    await this.#ended.settled();
  }

  #loopOf(topic: OutboxTopic, send: (batch: Batch) => Promise<Sent>): Loop {
    return new Loop(`relay ${topic}`, this.#options.log, async () => {
      const { sent, full } = await this.#turn(topic, send);
      return full && sent > 0 ? 0 : IDLE_MS;
    });
  }

  async #turn(topic: OutboxTopic, send: (batch: Batch) => Promise<Sent>): Promise<{ sent: number; full: boolean }> {
    const { database, consequences } = this.#options;
    const turn = await database.inSystem('relay', async ({ em }) => {
      const outbox = new OutboxRepository(em);
      const entries = await outbox.claimUnsent(topic, GRACE_MS, BATCH_SIZE[topic]);
      if (entries.length === 0) return { sent: 0, full: false };
      const { sent, failed, reason, followed } = await send({ em, entries, tasks: await outbox.tasksOf(entries) });
      await outbox.markSent(sent);
      await outbox.markFailed(failed, reason);
      return { sent: sent.length, full: entries.length === BATCH_SIZE[topic], followed };
    });
    if (turn.followed !== undefined) await consequences.tell(turn.followed);
    return turn;
  }

  async #enqueue({ entries, tasks }: Batch): Promise<Sent> {
    const pending = [...tasks.values()].filter((task) => task.status === 'pending');
    return allOrNone(entries, () => enqueueJobs(this.#options.queueFor, pending));
  }

  async #finish({ em, entries, tasks }: Batch): Promise<Sent> {
    const { consequences, queueFor, wakeUps } = this.#options;
    const ids = [...tasks.keys()];
    const queues = Map.groupBy(tasks.values(), (task) => task.taskQueue);
    // What needs PostgreSQL only does not wait for Redis.
    const followed = await consequences.within(em, ids);
    const sent = await allOrNone(entries, async () => {
      for (const [taskQueue, those] of queues) await queueFor(taskQueue).released(those.map((task) => task.taskId));
      await Promise.all(ids.map((id) => wakeUps.publishTask(id)));
    });
    return { ...sent, followed };
  }

  async #cancel({ entries, tasks }: Batch): Promise<Sent> {
    const outcomes = await Promise.allSettled(entries.map((entry) => this.#cancelOne(entry, tasks)));
    const sent = entries.filter((_, index) => isDone(outcomes[index])).map((entry) => entry.id);
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    return {
      sent,
      failed: entries.map((entry) => entry.id).filter((id) => !sent.includes(id)),
      reason: reasons.length === 0 ? 'the workflow is not there' : errorMessage(reasons[0]),
    };
  }

  /** @returns whether the row is done with */
  async #cancelOne({ taskIds }: OutboxEntry, tasks: Batch['tasks']): Promise<boolean> {
    const [taskId] = taskIds;
    const task = taskId === undefined ? undefined : tasks.get(taskId);
    if (task === undefined || !task.cancelRequested || !isOpenTaskStatus(task.status)) return true;
    const { client } = this.#options;
    const handle = client.workflow.getHandle(taskWorkflowId(task.taskId, task.traceCount));
    try {
      await client.withDeadline(Date.now() + TEMPORAL_DEADLINE_MS, () => handle.cancel());
      return true;
    } catch (error) {
      // Claimed and not started yet, or closed and not written yet: the next turn knows more.
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }
}

async function allOrNone(entries: readonly OutboxEntry[], send: () => Promise<void>): Promise<Sent> {
  const ids = entries.map((entry) => entry.id);
  try {
    await send();
    return { sent: ids, failed: [], reason: '' };
  } catch (error) {
    return { sent: [], failed: ids, reason: errorMessage(error) };
  }
}

function isDone(outcome: PromiseSettledResult<boolean> | undefined): boolean {
  return outcome?.status === 'fulfilled' && outcome.value;
}
