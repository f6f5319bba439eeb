import { condition } from '@temporalio/workflow';
import type { RunPath } from '../../domain/traces/path.ts';
import { isLong } from './long-history.ts';

/** What the gate asks of its execution. */
export interface GateView {
  readonly isPaused: () => boolean;
  /** Those of the execution. */
  readonly rules: number;
  /** The runs that waited for a person when the workflow before this one continued as new. */
  readonly asking: readonly RunPath[];
  /** Called whenever the main loop has to look again. */
  readonly changed: () => void;
}

/** A call on which a person is to decide. */
interface AskedPerson {
  readonly approvalId: string;
  readonly expiresAtMs: number;
}

/** A wait that has a row. */
interface Wait {
  readonly waitId: string;
  readonly untilMs: number | null;
  /** The time of the clock by which that counts. @defaultValue that of the workflow, as in histories that say nothing */
  readonly nowMs?: number;
}

/** Since these rules a run that waits for a person rests where the history is long. */
const RESTING_RULES = 2;
/** The least wait, so that a clock that is a little late makes no loop. */
const LEAST_WAIT_MS = 1_000;
/** The longest timer. A run that waits longer looks again meanwhile. */
const MOST_WAIT_MS = 366 * 86_400_000;

/**
 * Where thinking runs stand between two of their calls: while the task is paused, until a person has decided, until a
 * budget has room, or until the workflow has continued as new.
 */
export class StepGate {
  readonly #view: GateView;
  /** Decisions that have arrived and that nobody has looked at. One may arrive before its wait. */
  readonly #decided = new Set<string>();
  /** How often somebody has made room in a budget. */
  #grants = 0;
  #resting: readonly RunPath[] = [];
  #isMoving = false;
  /** The run of each wait for a person; also of one that ended because the run is to rest. */
  readonly #waits: RunPath[] = [];
  /** The runs that waited before, and have not come to their wait again: on their way they count as waiting. */
  readonly #returning: Set<RunPath>;
  /** Those of them that have not come to their wait since the workflow continued as new. */
  readonly #carried: Set<RunPath>;

  constructor(view: GateView) {
    this.#view = view;
    this.#returning = new Set(view.asking);
    this.#carried = new Set(view.asking);
  }

  /** The runs that stand until the workflow has continued as new. */
  get resting(): readonly RunPath[] {
    return this.#resting;
  }

  /** Those of them that wait for what somebody has to do, or for a time. */
  get asking(): readonly RunPath[] {
    return this.#resting.filter((path) => this.#waits.includes(path));
  }

  /** The runs that wait. */
  get waiting(): readonly RunPath[] {
    return [...new Set([...this.#waits, ...this.#returning])];
  }

  /** Waits while the task is paused. False where the history is long: the run then rests. */
  async untilMayContinue(path: RunPath): Promise<boolean> {
    if (this.#view.isPaused()) await condition(() => !this.#view.isPaused() || this.#isMoving);
    if (!this.#isLeaving()) return true;
    this.rest(path);
    return false;
  }

  /** Whether the task was told to move to another version of its graph: what waits rests then. */
  get isMoving(): boolean {
    return this.#isMoving;
  }

  /** Notes that the task is to move, or that it does not. */
  move(isMoving: boolean): void {
    this.#isMoving = isMoving;
    this.#view.changed();
  }

  #isLeaving(): boolean {
    return isLong(this.#view.rules) || this.#isMoving;
  }

  /** Lets a run stand until the workflow has continued as new. Nothing of it may be under way. */
  rest(path: RunPath): void {
    this.#resting = [...this.#resting, path];
    this.#view.changed();
  }

  /** Notes that a person has decided, or that another wait is over. */
  decide(waitId: string): void {
    this.#decided.add(waitId);
  }

  /** Notes that a run that waited before does so no longer. */
  noteContinued(path: RunPath): void {
    this.#carried.delete(path);
    if (this.#returning.delete(path)) this.#view.changed();
  }

  /** Notes that somebody has made room in a budget. */
  grant(): void {
    this.#grants += 1;
  }

  /** How often that has happened: ask before a call that may have to wait for room. */
  get grants(): number {
    return this.#grants;
  }

  /** Waits until a person has decided, or their time is over. False as {@link StepGate.#until}. */
  async decision(path: RunPath, { approvalId, expiresAtMs }: AskedPerson): Promise<boolean> {
    const restMs = Math.max(LEAST_WAIT_MS, expiresAtMs - Date.now());
    const continues = await this.#until(path, () => this.#decided.has(approvalId), restMs);
    this.#decided.delete(approvalId);
    return continues;
  }

  /**
   * Waits until the workflow is told of a wait, or its time is over. The run counts as waiting while it looks again: most
   * looks end it, and the task with it. False as {@link StepGate.#until}.
   */
  async told(path: RunPath, { waitId, untilMs, nowMs = Date.now() }: Wait): Promise<boolean> {
    const restMs = untilMs === null ? undefined : Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, untilMs - nowMs));
    const continues = await this.#until(path, () => this.#decided.has(waitId), restMs);
    this.#decided.delete(waitId);
    if (continues) this.#returning.add(path);
    return continues;
  }

  /**
   * Waits until there is room in a budget that had none. Without a timer: a grant has the task told, and the sweeper
   * looks every minute whether there is room. False as {@link StepGate.#until}.
   * @param since the number of grants before there was none
   */
  room(path: RunPath, since: number): Promise<boolean> {
    return this.#until(path, () => this.#grants > since);
  }

  /**
   * Waits for a person. False where the history is long: the run is to rest then, since a wait may take days, in which no
   * other run could. One that comes back to a history that is long again stays: else it would do nothing but rest.
   */
  async #until(path: RunPath, isOver: () => boolean, restMs?: number): Promise<boolean> {
    const stays = this.#view.rules < RESTING_RULES || (this.#carried.delete(path) && isLong(this.#view.rules));
    const isWoken = () => isOver() || (!stays && this.#isLeaving());
    let rests = false;
    this.#waits.push(path);
    this.#returning.delete(path);
    this.#view.changed();
    try {
      const inTime = restMs === undefined ? condition(isWoken).then(() => true) : condition(isWoken, restMs);
      rests = (await inTime) && !isOver();
      return !rests;
    } finally {
      if (!rests) this.#waits.splice(this.#waits.indexOf(path), 1);
      this.#view.changed();
    }
  }
}
