import { newId } from '../../database/new-id.ts';
import type { Transaction } from '../../database/transaction.ts';
import type { TaskId } from '../../domain/ids.ts';
import { nextOccurrence } from '../../domain/tasks/recurrence.ts';
import { type BlockedTasks, DependencyRepository } from '../../entities/tasks/dependency-repository.ts';
import { type EndWithConsequences, SuccessionRepository } from '../../entities/tasks/succession-repository.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';

/** Runs one statement: in a unit of work of its own, or in the one that its caller is in. */
export type RunStatement = <Result>(work: (em: Transaction['em']) => Promise<Result>) => Promise<Result>;

/**
 * The consequences of ended tasks in PostgreSQL: their series continue, and the tasks that depend on them are released
 * or fail, and so on along the chain. Each step is one statement that decides once and changes nothing when it is
 * repeated. Collects what others should be told when it is committed.
 */
export class FollowedEnds {
  readonly #run: RunStatement;
  /** Tasks that may start now. */
  readonly jobs: WaitingJob[] = [];
  /** Tasks that failed because of what they depend on. */
  readonly failed: TaskId[] = [];

  constructor(run: RunStatement) {
    this.#run = run;
  }

  /** Does what follows from these ends; of tasks that have not ended, nothing does. */
  async follow(ended: readonly TaskId[]): Promise<this> {
    const found = await this.#run((em) => new SuccessionRepository(em).consequences(ended));
    await this.#continueSeries(found);
    const blocking = found.filter((end) => end.blocks).map((end) => end.taskId);
    return blocking.length === 0 ? this : this.settleBlocked({ behind: blocking });
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
