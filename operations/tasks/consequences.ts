import type { Database, Transaction } from '../../database/transaction.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { BlockedTasks } from '../../entities/tasks/dependency-repository.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import type { EndedWait } from '../../entities/waits/wait-repository.ts';
import type { JobQueue } from '../../redis/job-queue.ts';
import type { WakeUps } from '../../redis/wake-ups.ts';
import { ConversationTurns } from '../conversations/conversation-turns.ts';
import { enqueueJobs } from './enqueue-jobs.ts';
import { FollowedEnds, type FollowedEndsOptions } from './follow-ends.ts';

export interface ConsequencesOptions {
  readonly database: Database;
  readonly queueFor: (taskQueue: string) => JobQueue;
  readonly wakeUps: WakeUps;
  /** Has a workflow look at a wait that is over. */
  readonly tellWait: (wait: EndedWait) => Promise<unknown>;
}

/**
 * Carries out what follows from the end of tasks, see {@link FollowedEnds}, and tells the queue and waiting callers.
 * Any number of processes may call it, at once or again. If the process dies between two steps, the outbox row of the
 * end asks for the rest.
 */
export class Consequences {
  readonly #options: ConsequencesOptions;
  readonly #own: FollowedEndsOptions;

  constructor(options: ConsequencesOptions) {
    this.#options = options;
    const { database } = options;
    this.#own = {
      single: (work) => database.single.inSystem('relay', ({ em }) => work(em)),
      several: (work) => database.inSystem('relay', ({ em }) => work(em)),
      turns: new ConversationTurns(database),
    };
  }

  async of(ended: readonly TaskId[]): Promise<void> {
    await this.tell(await new FollowedEnds(this.#own).follow(ended));
  }

  /**
   * The same in the caller's unit of work, which must not wait for another one. The caller tells the others after the
   * commit.
   */
  within(em: Transaction['em'], ended: readonly TaskId[]): Promise<FollowedEnds> {
    const { turns } = this.#own;
    return new FollowedEnds({ single: (work) => work(em), several: (work) => work(em), turns }).follow(ended);
  }

  /** Lets go, or fails, those of the blocked tasks whose wait is over. */
  async settleBlocked(blocked: BlockedTasks): Promise<void> {
    await this.tell(await new FollowedEnds(this.#own).settleBlocked(blocked));
  }

  /** Continues series that have stopped. */
  async resumeSeries(limit: number): Promise<void> {
    await this.tell(await new FollowedEnds(this.#own).resumeSeries(limit));
  }

  /** Continues conversations that stand still. */
  async resumeConversations(limit: number): Promise<void> {
    await this.tell(await new FollowedEnds(this.#own).resumeConversations(limit));
  }

  /** Only hints: the outbox has a row for each of them. */
  async tell({ jobs, failed, woken }: Pick<FollowedEnds, 'jobs' | 'failed' | 'woken'>): Promise<void> {
    const told = Promise.allSettled(woken.map((wait) => this.#options.tellWait(wait)));
    await Promise.all([this.enqueue(jobs), this.announce(failed), told]);
  }

  /** Puts jobs into the queue. Only a hint as well. */
  async enqueue(jobs: readonly WaitingJob[]): Promise<void> {
    await enqueueJobs(this.#options.queueFor, jobs).catch(() => undefined);
  }

  /** Wakes callers that watch these tasks. Also only a hint. */
  async announce(ids: readonly TaskId[]): Promise<void> {
    await Promise.allSettled(ids.map((id) => this.#options.wakeUps.publishTask(id)));
  }
}
