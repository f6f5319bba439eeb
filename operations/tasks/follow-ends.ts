import { newId } from '../../database/new-id.ts';
import type { Transaction } from '../../database/transaction.ts';
import type { TaskId } from '../../domain/ids.ts';
import { nextOccurrence } from '../../domain/tasks/recurrence.ts';
import type { ConversationKey } from '../../entities/conversations/conversation-repository.ts';
import { ConversationTurnRepository } from '../../entities/conversations/conversation-turn-repository.ts';
import { type BlockedTasks, DependencyRepository } from '../../entities/tasks/dependency-repository.ts';
import { type EndWithConsequences, SuccessionRepository } from '../../entities/tasks/succession-repository.ts';
import { type CancelWish, TaskRepository } from '../../entities/tasks/task-repository.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import { ChildRepository } from '../../entities/waits/child-repository.ts';
import { type EndedWait, WaitRepository } from '../../entities/waits/wait-repository.ts';
import type { ConversationTurns } from '../conversations/conversation-turns.ts';

/** Runs work in a unit of work of its own, or in the one that its caller is in. */
export type RunWork = <Result>(work: (em: Transaction['em']) => Promise<Result>) => Promise<Result>;

export interface FollowedEndsOptions {
  /** For exactly one statement. */
  readonly single: RunWork;
  /** For several. */
  readonly several: RunWork;
  readonly turns: ConversationTurns;
}

const ORPHANED: CancelWish = {
  actor: 'muster',
  code: 'task_cancelled',
  reason: 'The task that waited for it has ended.',
};

/**
 * The consequences of ended tasks in PostgreSQL: their series and their conversations continue, runs that wait for
 * them are told, tasks that only they waited for are cancelled, and the tasks that depend on them are released or fail, and so
 * on along the chain. Each step decides once and changes nothing when it is repeated. Collects what others should be told when it is committed.
 */
export class FollowedEnds {
  readonly #run: RunWork;
  readonly #several: RunWork;
  readonly #turns: ConversationTurns;
  /** Tasks that may start now. */
  readonly jobs: WaitingJob[] = [];
  /** Tasks that failed because of what they depend on. */
  readonly failed: TaskId[] = [];
  /** Waits of other tasks that are over. */
  readonly woken: EndedWait[] = [];

  constructor({ single, several, turns }: FollowedEndsOptions) {
    this.#run = single;
    this.#several = several;
    this.#turns = turns;
  }

  /** Does what follows from these ends; of tasks that have not ended, nothing does. */
  async follow(ended: readonly TaskId[]): Promise<this> {
    const found = await this.#run((em) => new SuccessionRepository(em).consequences(ended));
    await this.#continueSeries(found);
    await this.#continueConversations(found.filter((end) => end.isTalk).map((end) => end.taskId));
    await this.#settleChildren(found);
    const blocking = found.filter((end) => end.blocks).map((end) => end.taskId);
    return blocking.length === 0 ? this : this.settleBlocked({ behind: blocking });
  }

  /** Lets those continue that wait for these tasks, and ends those for which only these waited. */
  async #settleChildren(found: readonly EndWithConsequences[]): Promise<void> {
    const idsOf = (those: readonly EndWithConsequences[]) => those.map(({ taskId }) => taskId);
    const children = idsOf(found.filter(({ isChild }) => isChild));
    if (children.length > 0)
      this.woken.push(...(await this.#run((em) => new WaitRepository(em).endChildren(children))));
    const parents = idsOf(found.filter(({ hasChildren }) => hasChildren));
    const orphans = parents.length === 0 ? [] : await this.#run((em) => new ChildRepository(em).orphans(parents));
    for (const id of orphans) await this.#several((em) => new TaskRepository(em).cancel(id, ORPHANED));
  }

  /** Lets go, or fails, those of the blocked tasks whose wait is over. */
  async settleBlocked(blocked: BlockedTasks): Promise<this> {
    for (;;) {
      const failed = await this.#run((em) => new DependencyRepository(em).failHopeless(blocked));
      const unblocked = await this.#run((em) => new DependencyRepository(em).unblock(blocked));
      const ids = failed.map((task) => task.taskId);
      this.jobs.push(...unblocked.filter((task) => task.status === 'pending'));
      this.failed.push(...ids);
      if (ids.length > 0) await this.follow(ids);
      if (Math.max(failed.length, unblocked.length) < DependencyRepository.batchSize) return this;
    }
  }

  /** Continues series that have stopped. */
  async resumeSeries(limit: number): Promise<this> {
    await this.#continueSeries(await this.#run((em) => new SuccessionRepository(em).withoutSuccessor(limit)));
    return this;
  }

  /** Continues conversations that stand still. */
  async resumeConversations(limit: number): Promise<this> {
    await this.#advance(await this.#run((em) => new ConversationTurnRepository(em).stalled(limit)));
    return this;
  }

  async #continueConversations(turns: readonly TaskId[]): Promise<void> {
    if (turns.length === 0) return;
    await this.#advance(await this.#run((em) => new ConversationTurnRepository(em).ofTasks(turns)));
  }

  async #advance(conversations: readonly (ConversationKey & { readonly taskId?: TaskId | null })[]): Promise<void> {
    const faults: unknown[] = [];
    for (const { taskId = null, ...key } of conversations) {
      const began = this.#several((em) => this.#turns.advance(em, key, taskId));
      const job = await began.catch((error: unknown) => void faults.push(error));
      if (job) this.jobs.push(job);
    }
    // One conversation that cannot continue must not stop the others.
    if (faults.length > 0) throw faults[0];
  }

  async #continueSeries(ends: readonly EndWithConsequences[]): Promise<void> {
    const faults: unknown[] = [];
    for (const end of ends) await this.#succeed(end).catch((error: unknown) => faults.push(error));
    // One series that cannot continue must not stop the others.
    if (faults.length > 0) throw faults[0];
  }

  async #succeed({ taskId, series }: EndWithConsequences): Promise<void> {
    const startAt = series === null ? null : nextOccurrence(series.recurrence, series);
    if (startAt === null) return;
    const successor = { id: newId<TaskId>(), artifactId: newId(), startAt };
    const job = await this.#run((em) => new SuccessionRepository(em).succeed(taskId, successor));
    if (job !== null) this.jobs.push(job);
  }
}
