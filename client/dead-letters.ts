import { v7 as uuid } from 'uuid';
import { isUuid, type TaskId } from '../domain/ids.ts';
import type { RedriveEffects, RedriveOutcome } from '../domain/tasks/dead-letter.ts';
import type { TaskStatus } from '../domain/tasks/task-status.ts';
import {
  type DeadLetter,
  type DeadLetterFilter,
  DeadLetterRepository,
} from '../entities/tasks/dead-letter-repository.ts';
import { enqueueJobs } from '../redis/enqueue-jobs.ts';
import { DependencyDead, TaskNotDead, TaskUnknown } from './client-errors.ts';
import type { ClientStores } from './open-stores.ts';
import { deadListOptions, redriveAll, redriveOptions, redriveTargets } from './options/task-options.ts';

export type { DeadLetter } from '../entities/tasks/dead-letter-repository.ts';

/** Which dead letters a list shows, the latest deaths first. */
export interface DeadListOptions {
  readonly graph?: string;
  /** Dead since this moment or later. */
  readonly since?: Date;
  /** 1 to 500. @defaultValue 50 */
  readonly limit?: number;
}

/** Redrives whatever is dead and matches, in the order of the submits. */
export interface RedriveAll {
  readonly all: true;
  readonly graph?: string;
  /** Dead since this moment or later. */
  readonly since?: Date;
  /** At most so many tasks. @defaultValue all of them */
  readonly limit?: number;
}

/** How dead tasks are to run again. */
export interface RedriveOptions {
  /** Only say what would happen. @defaultValue false */
  readonly dryRun?: boolean;
  /**
   * What becomes of effects that the failed traces recorded. `keep`: an effect that is done is answered from the record;
   * `repeat`: all are made anew, under new keys. @defaultValue 'keep'
   */
  readonly effects?: RedriveEffects;
}

/** What became, or would become, of one task. */
export interface RedrivenView {
  readonly taskId: TaskId;
  readonly outcome: RedriveOutcome;
  /** The trace that failed: the new one names it as its origin. Null without one, and for what was not redriven. */
  readonly originTraceId: string | null;
}

/** What became of dead tasks that were to run again. */
export interface RedriveReport {
  readonly dryRun: boolean;
  /** One entry per task, in the order in which they were given, or submitted. */
  readonly tasks: readonly RedrivenView[];
}

/** Tasks in one statement. */
const BATCH_SIZE = 500;

/** The tasks that failed, and their way back into the queue. */
export class DeadLetters {
  readonly #stores: ClientStores;

  constructor(stores: ClientStores) {
    this.#stores = stores;
  }

  async list(options: DeadListOptions): Promise<DeadLetter[]> {
    const { limit = 50, ...filter } = deadListOptions(options);
    return this.#inLetters((letters) => letters.list(filter, limit));
  }

  /**
   * Redrives one task, several, or all that match. Batches of 500 are atomic each; a crash in between leaves whole
   * batches done, and a repetition does the rest.
   */
  async redrive(target: string | readonly string[] | RedriveAll, options: RedriveOptions): Promise<RedriveReport> {
    const { dryRun = false, effects = 'keep' } = redriveOptions(options);
    const how = { dryRun, effects };
    if (typeof target === 'string') return this.#one(target, how);
    return isList(target) ? this.#several(redriveTargets(target), how) : this.#all(redriveAll(target), how);
  }

  async #one(id: string, how: How): Promise<RedriveReport> {
    const { dryRun } = how;
    if (!isUuid(id)) throw new TaskUnknown(id, this.#stores.tenant);
    const taskId = id as TaskId;
    const { tasks, statuses } = await this.#batch([taskId], how);
    switch (tasks[0]?.outcome) {
      case 'redriven':
        return { dryRun, tasks };
      case 'not_dead':
        throw new TaskNotDead(id, statuses.get(taskId) ?? 'not failed');
      case 'dependency_dead':
        throw new DependencyDead(id);
      default:
        throw new TaskUnknown(id, this.#stores.tenant);
    }
  }

  async #several(ids: readonly string[], how: How): Promise<RedriveReport> {
    const wrong = ids.find((id) => !isUuid(id));
    if (wrong !== undefined) throw new TaskUnknown(wrong, this.#stores.tenant);
    const unique = [...new Set(ids)] as TaskId[];
    const tasks: RedrivenView[] = [];
    for (let start = 0; start < unique.length; start += BATCH_SIZE) {
      tasks.push(...(await this.#batch(unique.slice(start, start + BATCH_SIZE), how)).tasks);
    }
    return { dryRun: how.dryRun, tasks };
  }

  async #all({ limit = Number.POSITIVE_INFINITY, graph, since }: RedriveAll, how: How): Promise<RedriveReport> {
    const filter: DeadLetterFilter = { graph, since };
    const tasks: RedrivenView[] = [];
    let after: TaskId | null = null;
    // Pages follow the ids, so a task that dies again meanwhile is not met a second time.
    while (tasks.length < limit) {
      const last: TaskId | null = after;
      const size = Math.min(BATCH_SIZE, limit - tasks.length);
      const page: TaskId[] = await this.#inLetters((letters) => letters.page(filter, last, size));
      if (page.length > 0) tasks.push(...(await this.#batch(page, how)).tasks);
      after = page.at(-1) ?? null;
      if (page.length < size || after === null) break;
    }
    return { dryRun: how.dryRun, tasks };
  }

  async #batch(ids: readonly TaskId[], { dryRun, effects }: How): Promise<Batch> {
    const redriven = dryRun ? await this.#foresee(ids) : await this.#revive(ids, effects);
    const left = ids.filter((id) => !redriven.has(id));
    const statuses = left.length === 0 ? new Map() : await this.#inLetters((letters) => letters.known(left));
    const tasks = ids.map((taskId): RedrivenView => {
      const originTraceId = redriven.get(taskId);
      if (originTraceId !== undefined) return { taskId, outcome: 'redriven', originTraceId };
      return { taskId, outcome: outcomeOf(statuses.get(taskId)), originTraceId: null };
    });
    return { tasks, statuses };
  }

  async #foresee(ids: readonly TaskId[]): Promise<Map<TaskId, string | null>> {
    const dead = await this.#inLetters((letters) => letters.judge(ids));
    return new Map(dead.filter((task) => !task.stuck).map((task) => [task.taskId, task.originTraceId]));
  }

  async #revive(ids: readonly TaskId[], effects: RedriveEffects): Promise<Map<TaskId, string | null>> {
    const redriveId = uuid();
    const revived = await this.#inLetters((letters) => letters.redrive(ids, { redriveId, actor: 'client', effects }));
    const jobs = revived.filter((task) => task.status === 'pending');
    // Only a hint that saves time: a failure is made good by the relay, which finds the outbox row.
    await enqueueJobs(this.#stores.queueFor, jobs).catch(() => undefined);
    return new Map(revived.map((task) => [task.taskId, task.originTraceId]));
  }

  #inLetters<Result>(work: (letters: DeadLetterRepository) => Promise<Result>): Promise<Result> {
    return this.#stores.singleInTenant(({ em }) => work(new DeadLetterRepository(em)));
  }
}

type How = Required<RedriveOptions>;

interface Batch {
  readonly tasks: readonly RedrivenView[];
  /** How those that were left alone stand. */
  readonly statuses: ReadonlyMap<TaskId, TaskStatus>;
}

/** A task that is still failed was dead and was left so. */
function outcomeOf(status: TaskStatus | undefined): RedriveOutcome {
  if (status === undefined) return 'unknown';
  return status === 'failed' ? 'dependency_dead' : 'not_dead';
}

function isList(target: readonly string[] | RedriveAll): target is readonly string[] {
  return Array.isArray(target);
}
