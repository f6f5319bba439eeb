import { z } from 'zod';
import { newId } from '../../database/new-id.ts';
import { isUuid, type TaskId } from '../../domain/ids.ts';
import { REDRIVE_EFFECTS, type RedriveEffects, type RedriveOutcome } from '../../domain/tasks/dead-letter.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { type DeadLetterFilter, DeadLetterRepository } from '../../entities/tasks/dead-letter-repository.ts';
import { ForkRepository } from '../../entities/tasks/fork-repository.ts';
import { listOf, oneOf, text, wholeNumber, yesOrNo } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { type Call, defineOperation } from '../define.ts';
import { DependencyDead, TaskNotDead, TaskUnknown, TracePruned } from '../operation-errors.ts';
import { recording } from '../record/recording.ts';
import { continueForks } from '../traces/continue-forks.ts';
import { enqueueJobs } from './enqueue-jobs.ts';
import { name, taskIdOf, time } from './task-fields.ts';

/** Redrives what is dead and matches, in the order of the submits. */
export interface RedriveAll extends DeadLetterFilter {
  readonly all: true;
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

/** One task by its `id`, several by their `ids`, or `all` that match. */
export interface RedriveInput extends Partial<RedriveAll>, RedriveOptions {
  readonly id?: string;
  readonly ids?: readonly string[];
}

/** Tasks in one statement. */
const BATCH_SIZE = 500;

/** Each batch is atomic: a crash in between leaves whole batches done, and a repetition does the rest. */
export const redriveTasks = defineOperation({
  name: 'tasks.redrive',
  summary: 'Lets failed tasks run again, under new traces.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'tasks:write',
  unit: 'none',
  input: {
    id: text().optional(),
    ids: listOf(text(), { max: Number.MAX_SAFE_INTEGER, of: "tasks' ids" }).optional(),
    all: z.literal(true, { error: 'true' }).optional(),
    graph: name,
    since: time,
    limit: wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER }).optional(),
    dryRun: yesOrNo.optional(),
    effects: oneOf(REDRIVE_EFFECTS).optional(),
  },
  contradiction: ({ id, ids, all }: RedriveInput) =>
    [id, ids, all].filter((target) => target !== undefined).length === 1
      ? null
      : 'pass exactly one of `id`, `ids` or `all: true`',
  async handle(call, input: RedriveInput): Promise<RedriveReport> {
    const { id, ids, all, dryRun = false, effects = 'keep', ...filter } = input;
    const redrive = new Redriving(call, { dryRun, effects });
    const tasks =
      id !== undefined
        ? await redrive.one(id)
        : ids !== undefined
          ? await redrive.several(ids)
          : await redrive.all(filter);
    return { dryRun, tasks };
  },
});

class Redriving {
  readonly #call: Call;
  readonly #how: Required<RedriveOptions>;

  constructor(call: Call, how: Required<RedriveOptions>) {
    this.#call = call;
    this.#how = how;
  }

  async one(id: string): Promise<readonly RedrivenView[]> {
    const { tenant } = this.#call.caller;
    const taskId = taskIdOf(tenant, id);
    const { tasks, statuses } = await this.#batch([taskId]);
    switch (tasks[0]?.outcome) {
      case 'redriven':
      case 'redrivable':
        return tasks;
      case 'not_dead':
        throw new TaskNotDead(id, statuses.get(taskId) ?? 'not failed');
      case 'dependency_dead':
        throw new DependencyDead(id);
      case 'trace_pruned':
        throw new TracePruned({ id, status: 'failed' }, 'runs');
      default:
        throw new TaskUnknown(id, tenant);
    }
  }

  async several(ids: readonly string[]): Promise<readonly RedrivenView[]> {
    const wrong = ids.find((id) => !isUuid(id));
    if (wrong !== undefined) throw new TaskUnknown(wrong, this.#call.caller.tenant);
    const unique = [...new Set(ids)] as TaskId[];
    const tasks: RedrivenView[] = [];
    for (let start = 0; start < unique.length; start += BATCH_SIZE) {
      tasks.push(...(await this.#batch(unique.slice(start, start + BATCH_SIZE))).tasks);
    }
    return tasks;
  }

  async all({ limit = Number.POSITIVE_INFINITY, ...filter }: DeadLetterFilter & { readonly limit?: number }) {
    const tasks: RedrivenView[] = [];
    let after: TaskId | null = null;
    // Pages follow the ids, so a task that dies again meanwhile is not met a second time.
    while (tasks.length < limit) {
      const last: TaskId | null = after;
      const size = Math.min(BATCH_SIZE, limit - tasks.length);
      const page: TaskId[] = await this.#inLetters((letters) => letters.page(filter, last, size));
      if (page.length > 0) tasks.push(...(await this.#batch(page)).tasks);
      after = page.at(-1) ?? null;
      if (page.length < size || after === null) break;
    }
    return tasks;
  }

  async #batch(ids: readonly TaskId[]): Promise<Batch> {
    const { dryRun } = this.#how;
    const pruned = await this.#pruned(ids);
    const whole = ids.filter((id) => !pruned.has(id));
    const redriven = dryRun ? await this.#foresee(whole) : await this.#revive(whole);
    const left = ids.filter((id) => !redriven.has(id));
    const statuses = left.length === 0 ? new Map() : await this.#inLetters((letters) => letters.known(left));
    const tasks = ids.map((taskId): RedrivenView => {
      const originTraceId = redriven.get(taskId);
      if (originTraceId !== undefined) return { taskId, outcome: dryRun ? 'redrivable' : 'redriven', originTraceId };
      return { taskId, outcome: outcomeOf(statuses.get(taskId), pruned.has(taskId)), originTraceId: null };
    });
    return { tasks, statuses };
  }

  async #foresee(ids: readonly TaskId[]): Promise<Map<TaskId, string | null>> {
    const dead = await this.#inLetters((letters) => letters.judge(ids));
    return new Map(dead.filter((task) => !task.stuck).map((task) => [task.taskId, task.originTraceId]));
  }

  async #revive(ids: readonly TaskId[]): Promise<Map<TaskId, string | null>> {
    const redrive = { redriveId: newId(), actor: actorOf(this.#call.caller), effects: this.#how.effects };
    const { caller, stores } = this.#call;
    const units = stores.database;
    const revived = await recording({ units, log: stores.log }, caller.tenant, async (unit) => {
      const tasks = await new DeadLetterRepository(unit.em).redrive(ids, redrive);
      await continueForks(
        unit,
        tasks.map(({ taskId }) => taskId),
      );
      return tasks;
    });
    const jobs = revived.filter((task) => task.status === 'pending');
    // Only a hint that saves time: a failure is made good by the relay, which finds the outbox row.
    await enqueueJobs(this.#call.stores.queueFor, jobs).catch(() => undefined);
    return new Map(revived.map((task) => [task.taskId, task.originTraceId]));
  }

  #pruned(ids: readonly TaskId[]): Promise<ReadonlySet<TaskId>> {
    const { caller, stores } = this.#call;
    return stores.database.single.inTenant(caller.tenant, ({ em }) => new ForkRepository(em).pruned(ids));
  }

  #inLetters<Result>(work: (letters: DeadLetterRepository) => Promise<Result>): Promise<Result> {
    const { caller, stores } = this.#call;
    return stores.database.single.inTenant(caller.tenant, ({ em }) => work(new DeadLetterRepository(em)));
  }
}

interface Batch {
  readonly tasks: readonly RedrivenView[];
  /** How those that were left alone stand. */
  readonly statuses: ReadonlyMap<TaskId, TaskStatus>;
}

/** A task that is still failed was dead and was left so. */
function outcomeOf(status: TaskStatus | undefined, isPruned: boolean): RedriveOutcome {
  if (status === undefined) return 'unknown';
  if (status !== 'failed') return 'not_dead';
  return isPruned ? 'trace_pruned' : 'dependency_dead';
}
