import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { Database } from '../database/transaction.ts';
import type { TaskId } from '../domain/ids.ts';
import type { ReachFailpoint } from '../domain/system/failpoints.ts';
import type { LoopLog } from '../domain/system/loop.ts';
import { sharedWorkflowId } from '../domain/tasks/execution.ts';
import { isShareable, MAX_SHARED } from '../domain/tasks/shared-execution.ts';
import { HostingRepository } from '../entities/agents/hosting-repository.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import { type TaskGraph, taskGraphs } from '../entities/tasks/task-graphs.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import type { RecordLog } from '../operations/record/recording.ts';
import { carryTogether, leaveTogether, standingTogether } from '../operations/record/shared-traces.ts';
import { explain } from '../temporal/refusals.ts';
import { SHARED_PER_PLACE } from './places.ts';
import type { SettingsCache } from './settings-cache.ts';
import { BACK_OFF_MS } from './start-all.ts';
import type { StartTogether } from './start-together.ts';
import { verdictOf } from './verdict.ts';

export interface SharesOptions {
  readonly database: Database;
  readonly graphs: GraphCache;
  readonly settings: Pick<SettingsCache, 'current'>;
  readonly startTogether: StartTogether;
  readonly reach: ReachFailpoint;
  readonly log: LoopLog & RecordLog;
  readonly stopping: () => boolean;
  /** Milliseconds that never go back. @defaultValue `performance.now` */
  readonly now?: () => number;
}

/** So many tasks at once are pressure: what of them is still to be started shares an execution. */
const PRESSURE_FROM = 8;
/** Pressure that was there so recently counts. */
const PRESSURE_MS = 1_000;
/** Fewer do not share. */
const FEWEST = 2;
/** So many run at once: while one is written, the nodes of the other run. More would only be smaller. */
const MOST = 2;
/**
 * How long a shared execution holds the next ones back: by then only stragglers are left in it, unless it is still
 * written in waves that follow each other quickly.
 */
const HOLD_MS = { first: 500, afterWave: 250, most: 2_000 };

/** Which tasks share executions, and which have their own. */
export interface Split {
  readonly together: readonly (readonly ClaimedTask[])[];
  readonly alone: readonly ClaimedTask[];
}

interface Share {
  readonly carrier: string;
  readonly startedAt: number;
  /** When it was written last; null before its first wave. */
  wroteAt: number | null;
  /** Its tasks that have neither ended nor left, as far as this process knows. */
  readonly open: Set<TaskId>;
}

/**
 * Decides which of the tasks that this process claimed share an execution: under pressure, those whose graphs need no
 * activity of their own. While such an execution runs, the dispatcher claims nothing more but a few urgent tasks, which
 * share nothing, until it has written its first wave: then a second one begins, with what has come meanwhile, and no
 * third. So tasks gather in the queue, where other workers may take them, and none waits for an execution to become full.
 */
export class Shares {
  readonly #options: SharesOptions;
  readonly #now: () => number;
  /** Those that may hold others back. Older ones are forgotten: not all of what they carry ends in this process. */
  #young: readonly Share[] = [];
  #pressedAt = Number.NEGATIVE_INFINITY;
  /** Whether all of the last tasks shared executions; the next ones most likely will. */
  #allShared = false;
  /** Whether all live workers know shared executions, as far as this process knows. */
  #mayShare = false;

  constructor(options: SharesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Asks whether tasks may share executions: the reconciler of an earlier worker would start them a second time. */
  async look(): Promise<void> {
    const hasEarlier = await this.#options.database.single.inSystem('dispatch', ({ em }) =>
      new HostingRepository(em).hasEarlierWorker(),
    );
    this.#mayShare = !hasEarlier;
  }

  /** How much longer the next tasks are held back, in milliseconds; 0 if they are not. */
  get holdMs(): number {
    const now = this.#now();
    this.#young = this.#young.filter((share) => share.open.size > 0 && heldUntil(share) > now);
    const mayBegin = this.#young.length < MOST && this.#young.every(({ wroteAt }) => wroteAt !== null);
    return mayBegin ? 0 : Math.min(...this.#young.map(heldUntil)) - now;
  }

  /** Whether what is claimed now will most likely share an execution, before which no other one begins. */
  get isLikely(): boolean {
    return this.#allShared;
  }

  /** A shared execution has written a wave. @returns whether it was its first */
  wrote(carrier: string): boolean {
    const share = this.#young.find((young) => young.carrier === carrier);
    if (share === undefined) return false;
    const isFirst = share.wroteAt === null;
    share.wroteAt = this.#now();
    return isFirst;
  }

  /** How many tasks to ask for with this many free places. */
  appetite(room: number): number {
    return this.#allShared ? Math.max(room, Math.min(room * SHARED_PER_PLACE, MAX_SHARED)) : room;
  }

  /**
   * The first of these tasks for which this many places are enough. None is taken before one in front of it: small
   * tasks would fill the last place again and again, and one that needs a whole place would never get it.
   */
  async choose(ids: readonly TaskId[], places: number): Promise<readonly TaskId[]> {
    if (ids.length <= places) return ids;
    const graphs = await this.#options.database.single.inSystem('dispatch', ({ em }) => taskGraphs(em, ids));
    const chosen: TaskId[] = [];
    let left = places * SHARED_PER_PLACE;
    for (const id of ids) {
      const graph = graphs.get(id);
      const parts = graph !== undefined && (await this.#isShareable(graph)) ? 1 : SHARED_PER_PLACE;
      if (parts > left) break;
      left -= parts;
      chosen.push(id);
    }
    return chosen;
  }

  /**
   * Says which of these tasks are to share executions, and how, and which are not.
   * @param underWay how many tasks this process has, these included
   */
  async split(claimed: readonly ClaimedTask[], underWay: number): Promise<Split> {
    const fits = await Promise.all(claimed.map((task) => this.#fits(task)));
    const fitting = claimed.filter((_, index) => fits[index] === true);
    const now = this.#now();
    if (underWay >= PRESSURE_FROM) this.#pressedAt = now;
    const isPressed = now - this.#pressedAt < PRESSURE_MS;
    this.#allShared = isPressed && fitting.length === claimed.length;
    if (!isPressed || fitting.length < FEWEST) return { together: [], alone: claimed };
    const together: ClaimedTask[][] = [];
    for (let at = 0; at < fitting.length; at += MAX_SHARED) together.push(fitting.slice(at, at + MAX_SHARED));
    return { together, alone: claimed.filter((_, index) => fits[index] !== true) };
  }

  async #fits({ execution, standing }: ClaimedTask): Promise<boolean> {
    return standing === 'in_progress' && this.#isShareable(execution);
  }

  /** A graph that cannot be read is found out when the task is started. */
  async #isShareable({ tenant, graphId }: TaskGraph): Promise<boolean> {
    if (!this.#mayShare) return false;
    return this.#options.graphs.get(tenant, graphId).then(isShareable, () => false);
  }

  /**
   * Starts one execution for these tasks, for as long as Temporal is unavailable and this process runs.
   * @returns those that are to have their own: Temporal refuses this one for good, or the reconciler was there before
   */
  async start(tasks: readonly ClaimedTask[]): Promise<readonly TaskId[]> {
    const { database, settings, log } = this.#options;
    const carrier = sharedWorkflowId(uuid());
    const traces = tasks.map(({ execution }) => execution.traceId);
    const open = new Set(tasks.map(({ execution }) => execution.taskId));
    this.#young = [...this.#young, { carrier, startedAt: this.#now(), wroteAt: null, open }];
    const ids = await database.single.inSystem('dispatch', ({ em }) => carryTogether(em, carrier, traces));
    const carried = tasks.filter(({ execution }) => ids.includes(execution.taskId));
    const others = [...open].filter((id) => !ids.includes(id));
    try {
      if (carried.length > 0) await this.#startPatiently(carrier, carried);
      return others;
    } catch (error) {
      log.warn(
        { tasks: carried.length, error: explain(error) },
        'could not start a shared execution; starting its tasks one by one',
      );
      open.clear();
      const left = await leaveTogether({ database, settings: await settings.current(), log }, carrier, traces);
      return [...others, ...left.map(({ taskId }) => taskId)];
    }
  }

  /**
   * A start without an answer may have been taken: the tasks stay carried, and it is repeated under the same id, which
   * starts nothing twice. Until it is taken, the reconciler may let them leave, or others may end them.
   */
  async #startPatiently(carrier: string, tasks: readonly ClaimedTask[]): Promise<void> {
    const { startTogether, reach, log, stopping } = this.#options;
    for (let wait = BACK_OFF_MS.first; ; wait = Math.min(2 * wait, BACK_OFF_MS.most)) {
      try {
        await startTogether(carrier, tasks);
        return await reach('after_shared_start_before_answer');
      } catch (error) {
        if (verdictOf(error) !== null) throw error;
        log.warn({ tasks: tasks.length, error: explain(error) }, 'could not start a shared execution; retrying');
      }
      if (stopping()) return;
      await pause(wait);
      if (await this.#carriesNone(carrier, tasks)) return;
    }
  }

  /** While PostgreSQL does not answer nobody knows, and the start is tried again. */
  #carriesNone(carrier: string, tasks: readonly ClaimedTask[]): Promise<boolean> {
    const traces = tasks.map(({ execution }) => execution.traceId);
    return this.#options.database.single
      .inSystem('dispatch', ({ em }) => standingTogether(em, carrier, traces))
      .then(({ size }) => size === 0)
      .catch(() => false);
  }

  /** A task has ended, or has left its shared execution. @returns whether nothing is left of what it shared */
  left(taskId: TaskId): boolean {
    const share = this.#young.find(({ open }) => open.delete(taskId));
    return share === undefined || share.open.size === 0;
  }
}

function heldUntil({ startedAt, wroteAt }: Share): number {
  const untilSlow = wroteAt === null ? 0 : Math.min(wroteAt + HOLD_MS.afterWave, startedAt + HOLD_MS.most);
  return Math.max(startedAt + HOLD_MS.first, untilSlow);
}
