import { isDataFault } from '../database/database-faults.ts';
import { GroupCommit } from '../database/group-commit.ts';
import type { TaskId } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { bandOfPriority } from '../domain/tasks/priority.ts';
import type { TaskStatus } from '../domain/tasks/task-status.ts';
import { SUBMIT_BATCH_SIZE, SubmitRepository } from '../entities/tasks/submit-repository.ts';
import type { WaitingJob } from '../entities/tasks/waiting-job.ts';
import { OptionInvalid } from '../options/parse-options.ts';
import { enqueueJobs } from '../redis/enqueue-jobs.ts';
import { type IdempotencyConflict, InputInvalid } from './client-errors.ts';
import type { ClientStores } from './open-stores.ts';
import { graphArgument, submitItem, submitOptions } from './options/task-options.ts';
import { TaskPreparer } from './prepare-task.ts';
import type { SubmitOptions } from './submit-options.ts';
import {
  isCertain,
  isPlain,
  outcomesOf,
  type PreparedTask,
  requireWritten,
  type Written,
  writeTasks,
} from './write-tasks.ts';

/** One task of a batch: its input, and the options that `submit` takes. */
export interface SubmitItem extends SubmitOptions {
  readonly input: JsonObject;
}

/** What became of one task of a group, and when its queue has been told, which does not hold up the next group. */
interface GroupWritten {
  readonly outcome: Written | IdempotencyConflict;
  readonly told: Promise<void>;
}

export interface Submission {
  readonly id: TaskId;
  readonly status: TaskStatus;
  readonly duplicate: boolean;
}

/** Tasks in one call of `submitMany`. */
export const MAX_SUBMIT_ITEMS = 10_000;

/**
 * Takes tasks in: checks, writes, and tells the queue. Single submits that come while others are being written share
 * one statement and one commit, and each succeeds or fails for itself.
 */
export class Submitter {
  readonly #stores: ClientStores;
  readonly #preparer: TaskPreparer;
  readonly #group: GroupCommit<PreparedTask, GroupWritten>;
  #tenantKnown = false;

  constructor(stores: ClientStores) {
    this.#stores = stores;
    this.#preparer = new TaskPreparer(stores);
    this.#group = new GroupCommit({
      write: (prepared) => this.#writePlain(prepared, { oneCall: false }),
      isFaultOfItem: isDataFault,
      max: SUBMIT_BATCH_SIZE,
    });
  }

  async submit(graphName: string, input: JsonObject, options: SubmitOptions): Promise<Submission> {
    const checked = submitOptions(options);
    const prepared = await this.#preparer.prepare(graphArgument(graphName), input, checked);
    await this.#stores.limits.admitSubmits(1, checked.user);
    if (this.#tenantKnown && isPlain(prepared)) {
      const { outcome, told } = await this.#group.add(prepared);
      await told;
      return requireWritten(outcome);
    }
    const [written] = await this.#writeTogether([prepared]);
    if (written === undefined) throw new Error('A write of one task answered for none.');
    return written;
  }

  async submitMany(graphName: string, items: readonly SubmitItem[]): Promise<readonly Submission[]> {
    if (!Array.isArray(items) || items.length > MAX_SUBMIT_ITEMS) {
      throw new OptionInvalid('submitMany', [`\`items\` must be a list of at most ${MAX_SUBMIT_ITEMS}`]);
    }
    const graph = graphArgument(graphName);
    const prepared: PreparedTask[] = [];
    for (const [index, item] of items.entries()) {
      prepared.push(await this.#prepareItem(graph, item).catch((error: unknown) => failItem(error, index)));
    }
    if (prepared.length === 0) return [];
    // A batch for several users is the tenant's: it is admitted whole, or not at all.
    const users = new Set(prepared.map(({ task }) => task.userId));
    const [user] = users;
    await this.#stores.limits.admitSubmits(prepared.length, users.size === 1 ? (user ?? undefined) : undefined);
    const isOneStatement = this.#tenantKnown && prepared.length <= SUBMIT_BATCH_SIZE && prepared.every(isCertain);
    if (!isOneStatement) return this.#writeTogether(prepared);
    const group = await this.#writePlain(prepared, { oneCall: true });
    await group[0]?.told;
    return group.map(({ outcome }) => requireWritten(outcome));
  }

  async #prepareItem(graph: string, item: unknown): Promise<PreparedTask> {
    const { input, ...options } = submitItem(item);
    return this.#preparer.prepare(graph, input, options);
  }

  /** One unit of work for all of them. */
  async #writeTogether(prepared: readonly PreparedTask[]): Promise<readonly Written[]> {
    const { tenant, inTenant } = this.#stores;
    const written = await inTenant(({ em }) => writeTasks(em, tenant, prepared));
    this.#tenantKnown = true;
    await this.#tellQueues(prepared, written);
    return written;
  }

  /** One statement for all of them, and a second one if any was there already. */
  async #writePlain(
    prepared: readonly PreparedTask[],
    { oneCall }: { readonly oneCall: boolean },
  ): Promise<readonly GroupWritten[]> {
    const { tenant, singleInTenant } = this.#stores;
    const tasks = prepared.map(({ task }) => task);
    const inserted = await singleInTenant(({ em }) => new SubmitRepository(em).insert(tenant, tasks, { oneCall }));
    const outcomes = await outcomesOf(tasks, inserted, (missing) =>
      singleInTenant(({ em }) => new SubmitRepository(em).findKnown(tenant, missing)),
    );
    const told = this.#tellQueues(prepared, outcomes);
    return outcomes.map((outcome) => ({ outcome, told }));
  }

  /** Only a hint that saves time: a failure is made good by the relay, which finds the outbox row. */
  async #tellQueues(
    prepared: readonly PreparedTask[],
    outcomes: readonly (Written | IdempotencyConflict)[],
  ): Promise<void> {
    const jobs = prepared.flatMap(({ task }, index): WaitingJob[] => {
      const outcome = outcomes[index];
      if (outcome === undefined || !('status' in outcome) || outcome.duplicate || outcome.status !== 'pending')
        return [];
      const { id: taskId, tenant, taskQueue, concurrencyKeys: keys } = task;
      return [
        { taskId, tenant, taskQueue, band: bandOfPriority(task.priority), createdAtMs: outcome.createdAtMs, keys },
      ];
    });
    await enqueueJobs(this.#stores.queueFor, jobs).catch(() => undefined);
  }
}

/** Says which item it was. Counted from zero, as the caller's list is. */
function failItem(error: unknown, index: number): never {
  if (error instanceof OptionInvalid) {
    const faults = error.faults.map((fault) => `item ${index}: ${fault}`);
    throw new OptionInvalid('submitMany', faults, { item: index });
  }
  if (!(error instanceof InputInvalid)) throw error;
  throw new InputInvalid(`item ${index}: ${error.fault}`, { ...error.facts, item: index });
}
