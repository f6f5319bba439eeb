import { LRUCache } from 'lru-cache';
import { isDataFault } from '../../database/database-faults.ts';
import { GroupCommit } from '../../database/group-commit.ts';
import type { Database } from '../../database/transaction.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import type { GraphHead } from '../../entities/graphs/statements/graph-heads.ts';
import { SUBMIT_BATCH_SIZE, SubmitRepository } from '../../entities/tasks/submit-repository.ts';
import { OptionInvalid } from '../../options/parse-options.ts';
import type { JobQueue } from '../../redis/job-queue.ts';
import type { Caller } from '../caller.ts';
import { type IdempotencyConflict, InputInvalid } from '../operation-errors.ts';
import { enqueueJobs } from './enqueue-jobs.ts';
import { type ReadDocument, TaskPreparer } from './prepare-task.ts';
import { type CallerOptions, forCaller } from './submit-options.ts';
import { submitItem } from './task-fields.ts';
import {
  isCertain,
  isPlain,
  jobOf,
  outcomesOf,
  type PreparedTask,
  requireWritten,
  type Written,
  writeTasks,
} from './write-tasks.ts';

/** What became of one task of a group. */
type Outcome = Written | IdempotencyConflict;

export interface Submission {
  readonly id: TaskId;
  readonly status: TaskStatus;
  readonly duplicate: boolean;
}

export interface SubmitterOptions {
  readonly database: Database;
  readonly queueFor: (taskQueue: string) => JobQueue;
  readonly maxInputBytes: number;
  /** How a document that an input names by its file is read; without it, it is not. */
  readonly readDocument?: ReadDocument;
}

/** Tenants whose submits are remembered as one group. */
const MAX_TENANTS = 1_000;

/** The submitter of each tenant, for as long as it is used. */
export function submitters(options: SubmitterOptions): (tenant: TenantId) => Submitter {
  const known = new LRUCache<TenantId, Submitter>({
    max: MAX_TENANTS,
    memoMethod: (tenant) => new Submitter(tenant, options),
  });
  return (tenant) => known.memo(tenant);
}

/**
 * Takes tasks in: checks, writes, and tells the queue. Single submits that come while others are being written share
 * one statement and one commit, and each succeeds or fails for itself.
 */
export class Submitter {
  readonly #tenant: TenantId;
  readonly #options: SubmitterOptions;
  readonly #preparer: TaskPreparer;
  readonly #group: GroupCommit<PreparedTask, Outcome>;
  #tenantKnown = false;

  constructor(tenant: TenantId, options: SubmitterOptions) {
    this.#tenant = tenant;
    this.#options = options;
    this.#preparer = new TaskPreparer(tenant, options);
    this.#group = new GroupCommit({
      write: (prepared) => this.#writePlain(prepared, { oneCall: false }),
      isFaultOfItem: isDataFault,
      max: SUBMIT_BATCH_SIZE,
      writers: 2,
    });
  }

  async submit(graph: string, input: JsonObject, options: CallerOptions): Promise<Submission> {
    const prepared = await this.#preparer.prepare(graph, input, options);
    if (this.#tenantKnown && isPlain(prepared)) return requireWritten(await this.#group.add(prepared));
    const [written] = await this.#writeTogether([prepared]);
    if (written === undefined) throw new Error('A write of one task answered for none.');
    return written;
  }

  /** Makes a task of a version of a graph, whether it is the newest or not, and writes nothing. */
  async prepare(graph: GraphHead, input: JsonObject, options: CallerOptions): Promise<PreparedTask> {
    return this.#preparer.ofGraph(graph)(input, options);
  }

  /** @param graph its name, or a version that is not the active one */
  async submitMany(
    graph: string | GraphHead,
    items: readonly unknown[],
    caller: Caller,
  ): Promise<readonly Submission[]> {
    if (items.length === 0) return [];
    const prepare = typeof graph === 'string' ? await this.#preparer.forGraph(graph) : this.#preparer.ofGraph(graph);
    const prepared: PreparedTask[] = [];
    for (const [index, item] of items.entries()) {
      try {
        const { input, ...options } = submitItem(item);
        const task = prepare(input, forCaller(caller, options));
        prepared.push(task instanceof Promise ? await task : task);
      } catch (error) {
        failItem(error, index);
      }
    }
    const isOneStatement = this.#tenantKnown && prepared.length <= SUBMIT_BATCH_SIZE && prepared.every(isCertain);
    if (!isOneStatement) return this.#writeTogether(prepared);
    return (await this.#writePlain(prepared, { oneCall: true })).map(requireWritten);
  }

  /** One unit of work for all of them. */
  async #writeTogether(prepared: readonly PreparedTask[]): Promise<readonly Written[]> {
    const { database } = this.#options;
    const written = await database.inTenant(this.#tenant, ({ em }) => writeTasks(em, this.#tenant, prepared));
    this.#tenantKnown = true;
    this.#tellQueues(prepared, written);
    return written;
  }

  /** One statement for all of them, and a second one if any was there already. */
  async #writePlain(
    prepared: readonly PreparedTask[],
    { oneCall }: { readonly oneCall: boolean },
  ): Promise<readonly Outcome[]> {
    const tenant = this.#tenant;
    const { single } = this.#options.database;
    const tasks = prepared.map(({ task }) => task);
    const inserted = await single.inTenant(tenant, ({ em }) =>
      new SubmitRepository(em).insert(tenant, tasks, { oneCall }),
    );
    const outcomes = await outcomesOf(tasks, inserted, (missing) =>
      single.inTenant(tenant, ({ em }) => new SubmitRepository(em).findKnown(tenant, missing)),
    );
    this.#tellQueues(prepared, outcomes);
    return outcomes;
  }

  /**
   * Only a hint, for which no caller waits: if it fails, the relay finds the outbox row. What this program asks the
   * queue next comes after it, on the same connection.
   */
  #tellQueues(prepared: readonly PreparedTask[], outcomes: readonly Outcome[]): void {
    const jobs = prepared.flatMap((task, index) => {
      const outcome = outcomes[index];
      return outcome === undefined || !('status' in outcome) ? [] : (jobOf(task, outcome) ?? []);
    });
    enqueueJobs(this.#options.queueFor, jobs).catch(() => undefined);
  }
}

/** Says which item it was. Counted from zero, as the caller's list is. */
function failItem(error: unknown, index: number): never {
  if (error instanceof OptionInvalid) {
    const faults = error.faults.map((fault) => `item ${index}: ${fault}`);
    throw new OptionInvalid('tasks.submitMany', faults, { item: index });
  }
  if (!(error instanceof InputInvalid)) throw error;
  throw new InputInvalid(`item ${index}: ${error.fault}`, { ...error.facts, item: index });
}
