import { type Client, type WorkflowExecutionStatusName, WorkflowNotFoundError } from '@temporalio/client';
import type { GraphCache } from '../database/graph-cache.ts';
import type { Database } from '../database/transaction.ts';
import type { TaskId } from '../domain/ids.ts';
import type { TerminalTaskStatus } from '../domain/tasks/status.ts';
import { taskWorkflowId } from '../domain/tasks/workflow-id.ts';
import { type ClaimedTask, ClaimRepository, type ReadyTask } from '../entities/tasks/claim-repository.ts';
import { TaskRepository } from '../entities/tasks/task-repository.ts';
import { TraceRepository } from '../entities/traces/trace-repository.ts';
import type { JobQueue } from '../redis/job-queue.ts';
import { endFromOutside, finalStartFailure } from './end-task.ts';
import { Loop, type LoopLog } from './loop.ts';
import { startTask } from './start-task.ts';

export interface ReconcilerOptions {
  readonly database: Database;
  readonly graphs: GraphCache;
  readonly client: Client;
  readonly queue: JobQueue;
  readonly taskQueue: string;
  /** How long a claimed task may look unstarted or unfinished before Temporal is asked about it. */
  readonly suspectAfterSeconds: number;
  readonly log: LoopLog;
}

const TURN_MS = 1_000;
/** Counting costs PostgreSQL more than looking at a marker in Redis: every fifth turn is enough. */
const COUNT_EVERY_TURNS = 5;
const COMPARE_EVERY_TURNS = 5;
const PAGE_SIZE = 1_000;
const SUSPECTS_PER_TURN = 50;
const TEMPORAL_DEADLINE_MS = 3_000;

/**
 * Compares the stores and mends what disagrees, for ever, in every worker process. Each sweep is idempotent, and what one
 * process does at the same time as another is done once. PostgreSQL says what there is to do, Temporal how far it got.
 *
 * - index: the marker in Redis is missing, or fewer jobs are there than tasks wait → the index is rebuilt;
 * - lost start: a task is claimed and Temporal does not know its workflow → it is started;
 * - lost end: its workflow is closed and the task is open → the task ends as the workflow did;
 * - open trace: a task has ended and its trace has not → the trace ends as the task did.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #loop: Loop;
  #turns = 0;
  /** Whether the last count found jobs missing: one count may meet a job on its way, two in a row do not. */
  #missingBefore = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#loop = new Loop('reconciler', options.log, () => this.#turn());
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #turn(): Promise<number> {
    this.#turns += 1;
    const sweeps: Promise<void>[] = [this.#mendIndex()];
    if (this.#turns % COMPARE_EVERY_TURNS === 0) sweeps.push(this.#compareWithTemporal(), this.#endOpenTraces());
    const results = await Promise.allSettled(sweeps);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return TURN_MS;
  }

  async #mendIndex(): Promise<void> {
    const { queue, taskQueue, log } = this.#options;
    const depth = await queue.depth();
    const missing = depth.intact && this.#turns % COUNT_EVERY_TURNS === 0 && (await this.#jobsAreMissing(depth));
    if (depth.intact && !(missing && this.#missingBefore)) {
      if (this.#turns % COUNT_EVERY_TURNS === 0) this.#missingBefore = missing;
      return;
    }
    this.#missingBefore = false;
    const rebuilt = await queue.rebuild(this.#waitingPages());
    log.warn({ taskQueue, ...rebuilt }, depth.intact ? 'jobs were missing in Redis' : 'the index in Redis was gone');
  }

  async #jobsAreMissing(depth: Awaited<ReturnType<JobQueue['depth']>>): Promise<boolean> {
    const { high, normal, low } = depth.waiting;
    const waiting = await this.#inSystem((claims) => claims.waitingCount(this.#options.taskQueue));
    return high + normal + low + depth.leased < waiting;
  }

  async *#waitingPages(): AsyncGenerator<ReadyTask[]> {
    let after: TaskId | null = null;
    for (;;) {
      const last: TaskId | null = after;
      const page: ReadyTask[] = await this.#inSystem((claims) =>
        claims.waiting(this.#options.taskQueue, last, PAGE_SIZE),
      );
      if (page.length > 0) yield page;
      if (page.length < PAGE_SIZE) return;
      after = page.at(-1)?.taskId ?? null;
    }
  }

  async #compareWithTemporal(): Promise<void> {
    const suspects = await this.#options.database.inSystem('reconcile', async ({ em }) => {
      const claims = new ClaimRepository(em);
      if (!(await claims.tryLockSuspects())) return [];
      const found = await claims.openLongerThan(this.#options.suspectAfterSeconds, SUSPECTS_PER_TURN);
      await claims.touch(found.map((task) => task.execution.taskId));
      return found;
    });
    const results = await Promise.allSettled(suspects.map((task) => this.#settleOrEnd(task)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #settleOrEnd(task: ClaimedTask): Promise<void> {
    try {
      await this.#settleSuspect(task);
    } catch (error) {
      const failure = finalStartFailure(error);
      if (failure === null) throw error;
      await endFromOutside(this.#options, task.execution, { status: 'failed', failure });
    }
  }

  async #settleSuspect(task: ClaimedTask): Promise<void> {
    const { client, graphs, log } = this.#options;
    const { taskId, traceNumber, tenant, graphId } = task.execution;
    const status = await this.#workflowStatus(taskWorkflowId(taskId, traceNumber));
    if (status === 'RUNNING' || status === 'CONTINUED_AS_NEW' || status === 'PAUSED') return;
    if (status === 'NOT_FOUND') {
      log.warn({ taskId }, 'a claimed task had no workflow; it is started now');
      await startTask(client, task, await graphs.get(tenant, graphId));
      return;
    }
    log.warn({ taskId, status }, 'a workflow was closed without the end of its task; it is written now');
    const message = `The workflow was closed as ${status.toLowerCase()} from outside.`;
    const end =
      status === 'CANCELLED'
        ? { status: 'cancelled' as const, failure: { code: 'task_cancelled', message } }
        : { status: 'failed' as const, failure: { code: 'task_failed', message } };
    await endFromOutside(this.#options, task.execution, end);
  }

  async #workflowStatus(workflowId: string): Promise<WorkflowExecutionStatusName | 'NOT_FOUND'> {
    const { client } = this.#options;
    try {
      const handle = client.workflow.getHandle(workflowId);
      const description = await client.withDeadline(Date.now() + TEMPORAL_DEADLINE_MS, () => handle.describe());
      return description.status.name;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'NOT_FOUND';
      throw error;
    }
  }

  async #endOpenTraces(): Promise<void> {
    const open = await this.#options.database.inSystem('reconcile', ({ em }) =>
      new TraceRepository(em).unfinished(SUSPECTS_PER_TURN),
    );
    for (const execution of open) {
      await this.#options.database.inTenant(execution.tenant, async ({ em }) => {
        const task = await new TaskRepository(em).find(execution.taskId);
        const status = task?.status as TerminalTaskStatus | undefined;
        if (task === null || status === undefined) return;
        await new TraceRepository(em).endTrace(execution, status, task.error);
      });
    }
  }

  /** One statement across tenants. */
  #inSystem<Result>(work: (claims: ClaimRepository) => Promise<Result>): Promise<Result> {
    return this.#options.database.single.inSystem('reconcile', ({ em }) => work(new ClaimRepository(em)));
  }
}
