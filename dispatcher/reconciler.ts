import type { Client } from '@temporalio/client';
import type { Database } from '../database/transaction.ts';
import { Loop, type LoopLog, Loops } from '../domain/system/loop.ts';
import { taskWorkflowId } from '../domain/tasks/execution.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import { SuspectRepository } from '../entities/tasks/suspect-repository.ts';
import { TraceRepository } from '../entities/traces/trace-repository.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import { endFromOutside, endLeftTrace } from '../operations/record/end-from-outside.ts';
import type { RecordLog } from '../operations/record/recording.ts';
import { leaveTogether } from '../operations/record/shared-traces.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import { RedisUnreachable } from '../redis/redis-errors.ts';
import { callWorkflow } from '../temporal/call-workflow.ts';
import { explain } from '../temporal/refusals.ts';
import { IndexMender } from './mend-index.ts';
import type { SettingsCache } from './settings-cache.ts';
import { endUnstartable } from './start-all.ts';
import type { StartTask } from './start-task.ts';
import type { StartVerdicts } from './start-verdicts.ts';

export interface ReconcilerOptions {
  readonly database: Database;
  readonly graphs: GraphCache;
  readonly client: Client;
  readonly queue: JobQueue;
  readonly settings: SettingsCache;
  readonly start: StartTask;
  readonly verdicts: Pick<StartVerdicts, 'of'>;
  readonly taskQueue: string;
  /** How long after its claim, or its last comparison, Temporal is asked about an open task. */
  readonly suspectAfterSeconds: number;
  readonly log: LoopLog & RecordLog;
}

/** A lost index is noticed within two looks. */
const LOOK_MS = 1_000;
/** Counting costs PostgreSQL more than looking at a marker in Redis: every fifth turn is enough. */
const COUNT_EVERY_LOOKS = 5;
const COMPARE_MS = 5_000;
const SUSPECTS_PER_TURN = 50;
/**
 * How much longer a task that waits for a person, a message or a time is left alone: there may be ten thousand of them,
 * and they must not stand in the line of those that were to run.
 */
const WAITING_FACTOR = 30;

/**
 * Compares the stores and mends what disagrees, forever, in every worker process. Each sweep is idempotent, and what one
 * process does at the same time as another is done once. PostgreSQL says what there is to do, Temporal how far it got.
 *
 * - index: the marker in Redis is missing, or fewer jobs are there than tasks wait → the index is rebuilt;
 * - settings: Redis goes by others than PostgreSQL holds → they are applied;
 * - slots: Redis counts other ones than PostgreSQL, or PostgreSQL others than there are open tasks → PostgreSQL's tasks count;
 * - lost start: a task is claimed and Temporal does not know its workflow → it is started;
 * - lost end: its workflow is closed and the task is open → the task ends as the workflow did;
 * - open trace: a task has ended and its trace has not → the trace ends as the task did.
 */
export class Reconciler extends Loops {
  readonly #options: ReconcilerOptions;
  readonly #index: IndexMender;
  #looks = 0;

  constructor(options: ReconcilerOptions) {
    const { log } = options;
    // Two loops: Temporal may be slow, and a lost index must not wait for it.
    super([
      new Loop({ name: 'index', turn: () => this.#mendIndex(), log, explain }),
      new Loop({ name: 'reconciler', turn: () => this.#mendTasks(), log, explain }),
    ]);
    this.#options = options;
    this.#index = new IndexMender(options);
  }

  async #mendIndex(): Promise<number> {
    this.#looks += 1;
    const isCount = this.#looks % COUNT_EVERY_LOOKS === 0;
    await (isCount ? this.#index.count() : this.#index.look()).catch((error: unknown) => {
      // The dispatcher reports it, once.
      if (!(error instanceof RedisUnreachable)) throw error;
    });
    return LOOK_MS;
  }

  async #mendTasks(): Promise<number> {
    const results = await Promise.allSettled([this.#compareWithTemporal(), this.#endOpenTraces()]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return COMPARE_MS;
  }

  async #compareWithTemporal(): Promise<void> {
    const suspects = await this.#options.database.inSystem('reconcile', async ({ em }) => {
      const open = new SuspectRepository(em);
      if (!(await open.tryLock())) return [];
      const { suspectAfterSeconds } = this.#options;
      const found = [
        ...(await open.unchecked('occupying', suspectAfterSeconds, SUSPECTS_PER_TURN)),
        ...(await open.unchecked('waiting', WAITING_FACTOR * suspectAfterSeconds, SUSPECTS_PER_TURN)),
      ];
      const ids = found.map((task) => task.execution.taskId);
      await open.markChecked(ids);
      // Read again: from now on no shared execution takes one of them that none carries yet.
      return open.findOpen(ids);
    });
    await Promise.all(suspects.map((task) => this.#settleOrEnd(task)));
  }

  /** A task that cannot be settled now comes again when the others have had their turn. */
  async #settleOrEnd(task: ClaimedTask): Promise<void> {
    const { taskId } = task.execution;
    try {
      await this.#settleSuspect(task).catch(async (error: unknown) => {
        const failure = await this.#options.verdicts.of(error);
        if (failure === null) throw error;
        await endUnstartable(this.#options, task, failure);
      });
    } catch (error) {
      this.#options.log.warn({ taskId, error: explain(error) }, 'could not compare a task with Temporal; retrying');
    }
  }

  async #settleSuspect(task: ClaimedTask): Promise<void> {
    const { client, start, log } = this.#options;
    const { taskId, traceId, traceNumber } = task.execution;
    const { carriedBy } = task;
    const workflowId = carriedBy ?? taskWorkflowId(taskId, traceNumber);
    const found = await callWorkflow(client, workflowId, (handle) => handle.describe());
    const status = found?.status.name ?? 'NOT_FOUND';
    if (status === 'RUNNING' || status === 'CONTINUED_AS_NEW' || status === 'PAUSED') return;
    if (carriedBy !== null) {
      log.warn({ taskId, workflowId, status }, 'its shared execution is gone; restarting the task on its own');
      const { database, settings } = this.#options;
      await leaveTogether({ database, settings: await settings.current(), log }, carriedBy, [traceId]);
      const [own] = await database.single.inSystem('reconcile', ({ em }) =>
        new SuspectRepository(em).findOpen([taskId]),
      );
      if (own?.carriedBy === null) await start(own);
      return;
    }
    if (status === 'NOT_FOUND') {
      log.warn({ taskId }, 'a claimed task has no workflow; starting one');
      await start(task);
      return;
    }
    log.warn({ taskId, status }, 'a workflow closed without ending its task; ending the task');
    const message = `The workflow was closed as ${status.toLowerCase()} from outside.`;
    const end =
      status === 'CANCELLED'
        ? { status: 'cancelled' as const, failure: { code: 'task_cancelled', message } }
        : { status: 'failed' as const, failure: { code: 'task_failed', message } };
    await endFromOutside(this.#options, task.execution, { ...end, terminate: false });
  }

  async #endOpenTraces(): Promise<void> {
    const open = await this.#options.database.inSystem('reconcile', ({ em }) =>
      new TraceRepository(em).unfinished(SUSPECTS_PER_TURN),
    );
    for (const execution of open) {
      await endLeftTrace(this.#options.database, execution).catch((error: unknown) => {
        const { traceId } = execution;
        this.#options.log.warn(
          { traceId, error: explain(error) },
          'could not close the trace of an ended task; retrying',
        );
      });
    }
  }
}
