import type { Database } from '../database/transaction.ts';
import { Loop, type LoopLog } from '../domain/system/loop.ts';
import { BudgetRepository } from '../entities/budgets/budget-repository.ts';
import { analyzeGrown } from '../entities/system/statistics.ts';
import { ScheduleRepository } from '../entities/tasks/schedule-repository.ts';
import { type OverdueTask, SuspectRepository } from '../entities/tasks/suspect-repository.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import { endFromOutside, type OutsideEnd } from '../operations/record/end-from-outside.ts';
import type { Consequences } from '../operations/tasks/consequences.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import { explain } from '../temporal/refusals.ts';

export interface SweeperOptions {
  readonly database: Database;
  readonly graphs: GraphCache;
  readonly consequences: Consequences;
  /** The job queue of a Temporal task queue. */
  readonly queueFor: (taskQueue: string) => JobQueue;
  readonly log: LoopLog;
}

const TURN_MS = 500;
/** What the end of a task did not do, because two transactions missed each other, is found this often. */
const MEND_EVERY_TURNS = 10;
/** Of all that is blocked, every ten minutes and at the start; otherwise of what is behind recent ends. */
const THOROUGH_EVERY_MENDS = 120;
const BATCH_SIZE = 500;
/** Open tasks that are ended in one turn: each is a transaction. */
const ENDS_PER_TURN = 50;
/**
 * How long the workflow of a task has to end it, after its cancel was accepted or its deadline has passed. A healthy one
 * takes seconds: a node is let go as soon as its signal has fired, and one whose worker died after 20 s.
 */
const END_GRACE_SECONDS = 30;

/**
 * Does what is due, in every worker process. It releases deferred tasks when their time has come, fails tasks that
 * still wait at their deadline, ends tasks that their workflow should have ended and did not, whatever Temporal knows
 * of it, and mends what an end left undone: tasks that stay blocked, series and conversations
 * that stand still. Within 60 s of the death
 * of a process it ends what that had reserved of budgets, and every minute it looks whether there is room for calls that wait
 * for budgets. It has tables
 * analysed that have grown, because autovacuum comes too late for a first burst. The relay does what follows from an
 * end that the sweeper writes, from the outbox row of that end. Two sweepers at once share the work. After a crash, the
 * next turn of any sweeper continues.
 */
export class Sweeper extends Loop {
  readonly #options: SweeperOptions;
  #turns = 0;
  #mends = 0;

  constructor(options: SweeperOptions) {
    super({ name: 'sweeper', turn: () => this.#turn(), log: options.log, explain });
    this.#options = options;
  }

  async #turn(): Promise<number> {
    this.#turns += 1;
    const sweeps = [this.#releaseDue(), this.#failLate()];
    if (this.#turns % MEND_EVERY_TURNS === 0)
      sweeps.push(...this.#mend(), this.#endOverdue(), this.#endReservations(), this.#wakeWaiting(), this.#analyze());
    const results = await Promise.allSettled(sweeps);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    const moved = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    return Math.max(...moved) === BATCH_SIZE ? 0 : TURN_MS;
  }

  /** @returns how many tasks were moved */
  async #releaseDue(): Promise<number> {
    const { database, consequences } = this.#options;
    const jobs = await database.single.inSystem('dispatch', ({ em }) =>
      new ScheduleRepository(em).releaseDue(BATCH_SIZE),
    );
    await consequences.enqueue(jobs);
    return jobs.length;
  }

  async #failLate(): Promise<number> {
    const { database, queueFor } = this.#options;
    const failed = await database.single.inSystem('dispatch', ({ em }) =>
      new ScheduleRepository(em).failLate(BATCH_SIZE),
    );
    const queues = Map.groupBy(failed, (task) => task.taskQueue);
    const removed = [...queues].map(([name, those]) => queueFor(name).remove(those.map((task) => task.taskId)));
    // A job that stays is refused by its claim.
    await Promise.allSettled(removed);
    return failed.length;
  }

  async #endOverdue(): Promise<number> {
    const { database } = this.#options;
    const overdue = await database.inSystem('dispatch', async ({ em }) => {
      const suspects = new SuspectRepository(em);
      const found = await suspects.overdue(END_GRACE_SECONDS, ENDS_PER_TURN);
      await suspects.markChecked(found.map(({ task }) => task.execution.taskId));
      return found;
    });
    await Promise.all(overdue.map((one) => this.#endOne(one)));
    return 0;
  }

  /** One that cannot be ended now comes again when the others have had their turn. */
  async #endOne({ task, isCancelled }: OverdueTask): Promise<void> {
    const { log } = this.#options;
    const { taskId } = task.execution;
    const end = isCancelled ? CANCELLED : LATE;
    try {
      const standing = await endFromOutside(this.#options, task.execution, { ...end, terminate: true });
      if (standing?.isNew !== true) return;
      log.warn({ taskId, status: standing.status }, 'ended a task because its workflow had not ended it in time');
    } catch (error) {
      log.warn({ taskId, error: explain(error) }, 'could not end a task that its workflow has not ended; retrying');
    }
  }

  async #endReservations(): Promise<number> {
    const { database, log } = this.#options;
    const ended = await database.single.inSystem('dispatch', ({ em }) => new BudgetRepository(em).endDead(BATCH_SIZE));
    if (ended > 0) log.warn({ ended }, 'closed budget reservations left by dead processes or ended tasks');
    return ended;
  }

  async #wakeWaiting(): Promise<number> {
    await this.#options.database.single.inSystem('dispatch', ({ em }) => new BudgetRepository(em).wake(BATCH_SIZE));
    return 0;
  }

  async #analyze(): Promise<number> {
    await this.#options.database.single.inSystem('dispatch', ({ em }) => analyzeGrown(em));
    return 0;
  }

  /** What makes one of them fail holds up no other. */
  #mend(): readonly Promise<number>[] {
    const { consequences } = this.#options;
    const isThorough = this.#mends % THOROUGH_EVERY_MENDS === 0;
    this.#mends += 1;
    const mended = [
      consequences.settleBlocked(isThorough ? 'all' : 'behind recent ends'),
      consequences.resumeSeries(BATCH_SIZE),
      consequences.resumeConversations(BATCH_SIZE),
    ];
    return mended.map((done) => done.then(() => 0));
  }
}

const CANCELLED: Pick<OutsideEnd, 'status' | 'failure'> = {
  status: 'cancelled',
  failure: { code: 'task_cancelled', message: 'The task was cancelled; its workflow did not end it.' },
};
const LATE: Pick<OutsideEnd, 'status' | 'failure'> = {
  status: 'failed',
  failure: {
    code: 'deadline_exceeded',
    message: 'The task had not ended at its deadline, and its workflow did not end it.',
  },
};
