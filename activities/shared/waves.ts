import { errorMessage, isFinalError } from '../../domain/errors.ts';
import { abandonRuns } from '../../domain/graphs/run-state.ts';
import { DEADLINE_EXCEEDED } from '../../domain/tasks/execution.ts';
import type { ExecuteTasksResult } from '../../domain/tasks/shared-execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { type NoteOutcome, recordWave, type WaveNote } from '../../operations/record/record-wave.ts';
import { standingTogether } from '../../operations/record/shared-traces.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { closeExecution } from '../tasks/close-execution.ts';
import { noteOf } from '../tasks/stretch-activity.ts';
import { carryOut } from '../tasks/stretch-step.ts';
import { leave } from './leave.ts';
import type { Member } from './member.ts';

export interface WavesOptions {
  readonly deps: ActivityDependencies;
  /** The workflow that carries the members. */
  readonly carrier: string;
  readonly members: readonly Member[];
  /** Aborts when all of them are to stop: the worker shuts down, or somebody cancels the workflow. */
  readonly cancellation: AbortSignal;
}

/**
 * How long a wave is open after its first step has ended, and for as long beyond it as steps end one right after the
 * other. What is done by then is written, what lags comes later.
 */
const WAVE = { openMs: 20, quietMs: 4, mostMs: 100 };
/** How often the rows are asked whether a member is to stop. */
const LOOK_MS = 250;

/** How a task that is stopped from outside ends. */
const STOPPED = {
  cancelled: { status: 'cancelled', failure: null, reason: 'the task was cancelled' },
  late: { status: 'failed', failure: DEADLINE_EXCEEDED, reason: 'the deadline has passed' },
} as const;

/**
 * Runs the stretches of many tasks side by side and writes what they do in waves: a wave is over when no handler runs any
 * more, or after about 20 ms. No node begins before those that it follows are written, so a crash repeats nothing of an
 * earlier wave. A handler that still runs then holds up no other task: what it brings is in a later wave.
 *
 * A member whose task has ended is done. One that can do nothing more here leaves, because of a node that is not hosted,
 * waits for a limit or its next attempt, or has killed its worker three times; and so does one that is paused, and one
 * whose rows were refused: it continues in an execution of its own. Neither touches the others.
 */
export class Waves {
  readonly #options: WavesOptions;
  readonly #members: Set<Member>;
  readonly #counts: { -readonly [Count in keyof ExecuteTasksResult]: number } = {};
  #running = 0;
  #waiting = 0;
  #over = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | null = null;
  #openedAt = performance.now();
  #steppedAt = 0;
  #looking: Promise<void> | null = null;
  /** The end of the next writing, or of the one under way. */
  #written = Promise.withResolvers<void>();
  #isWriting = false;

  constructor(options: WavesOptions) {
    this.#options = options;
    this.#members = new Set(options.members);
  }

  async run(): Promise<ExecuteTasksResult> {
    const { cancellation } = this.#options;
    const stopAll = () => this.#stopAll();
    cancellation.addEventListener('abort', stopAll);
    const looking = setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = null;
      });
    }, LOOK_MS);
    try {
      for (const member of this.#members) if (member.tries === 1) void this.#drive(member);
      void this.#driveInTurn([...this.#members].filter(({ tries }) => tries > 1));
      while (this.#members.size > 0) {
        await this.#over.promise;
        cancellation.throwIfAborted();
        await this.#writeWave();
      }
      return this.#counts;
    } finally {
      clearInterval(looking);
      cancellation.removeEventListener('abort', stopAll);
      this.#stopAll();
    }
  }

  /**
   * One of those that were begun before without a word of them being written may have killed the worker. So each begins
   * once the one before is written, and they begin from the other end at each further try: then the neighbours of the one
   * that kills have ended after two more deaths at most. Never rejects.
   */
  async #driveInTurn(members: readonly Member[]): Promise<void> {
    const isEven = members.some(({ tries }) => tries % 2 === 0);
    for (const member of isEven ? members : members.toReversed()) {
      await this.#drive(member);
      while (member.hasNews && this.#members.has(member)) await this.#written.promise;
    }
  }

  #stopAll(): void {
    for (const member of this.#members) member.stop('gone');
    this.#over.resolve();
  }

  /** Takes one step after another: none while a wave is written, and none that follows from what is not. Never rejects. */
  async #drive(member: Member): Promise<void> {
    this.#running += 1;
    const { stretch } = member;
    let ready = stretch.ready;
    try {
      for (let step = stretch.next(); step !== null && member.stopped === null; step = stretch.next()) {
        if (this.#isWriting || (stretch.isUnwritten && !ready.has(step.path))) {
          await this.#awaitWritten();
          if (!stretch.isUnwritten) ready = stretch.ready;
          continue;
        }
        await carryOut(member, step);
        this.#steppedAt = performance.now();
        this.#openFor(WAVE.openMs);
        // Conditions alone take time too.
        await member.breath.turn();
      }
    } catch (error) {
      member.fault = error;
    }
    member.isOver = true;
    this.#rest();
  }

  async #awaitWritten(): Promise<void> {
    this.#waiting += 1;
    this.#rest();
    await this.#written.promise;
    this.#waiting -= 1;
    this.#running += 1;
  }

  #rest(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#over.resolve();
    else this.#openFor(WAVE.openMs);
  }

  #openFor(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const now = performance.now();
      const isBusy = now - this.#steppedAt < WAVE.quietMs && now - this.#openedAt < WAVE.mostMs;
      if (isBusy) this.#openFor(WAVE.quietMs);
      else this.#over.resolve();
    }, ms);
  }

  async #writeWave(): Promise<void> {
    const written = this.#written;
    this.#isWriting = true;
    try {
      await this.#record();
      await this.#settle([...this.#members].filter((member) => member.isOver && !member.hasNews));
    } finally {
      this.#openWave();
      this.#isWriting = false;
      this.#written = Promise.withResolvers();
      written.resolve();
    }
  }

  /** What ended while the last wave was written is in this one. */
  #openWave(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#openedAt = performance.now();
    this.#over = Promise.withResolvers();
    if (this.#running + this.#waiting === 0) this.#over.resolve();
    else if ([...this.#members].some(({ isOver, hasNews }) => isOver || hasNews)) this.#openFor(WAVE.openMs);
  }

  async #record(): Promise<void> {
    const { deps, carrier } = this.#options;
    const telling = [...this.#members].filter((member) => member.hasNews);
    const notes = await Promise.all(telling.map(noteWithoutCopies));
    await deps.reach('before_wave');
    const outcomes = await recordWave(deps, notes);
    await deps.reach('after_wave');
    for (const [index, member] of telling.entries()) this.#take(member, outcomes[index] ?? { kind: 'stale' });
    if (telling.length > 0) deps.waveWritten(carrier);
  }

  #take(member: Member, outcome: NoteOutcome): void {
    if (outcome.kind === 'written') {
      if (outcome.end !== null) this.#ended(member, outcome.end.status);
    } else if (outcome.kind === 'stale') {
      this.#members.delete(member);
      member.stop('gone');
    } else {
      // Its rows say more than this process knows, or cannot be written: an execution of its own finds out.
      member.refuse();
    }
  }

  #ended(member: Member, status: TerminalTaskStatus): void {
    this.#members.delete(member);
    this.#counts[status] = (this.#counts[status] ?? 0) + 1;
    this.#options.deps.taskEnded(member.execution, status);
  }

  /** What becomes of members that have come to a rest and have not ended. */
  async #settle(resting: readonly Member[]): Promise<void> {
    const closed = await Promise.all(resting.map((member) => this.#close(member)));
    const leaving: Member[] = [];
    for (const member of resting.filter((_, index) => closed[index] === false)) {
      if (member.stopped === 'gone') this.#members.delete(member);
      else if (member.mayContinue) this.#resume(member);
      else leaving.push(member);
    }
    if (leaving.length > 0) await this.#leave(leaving);
  }

  #resume(member: Member): void {
    member.isOver = false;
    void this.#drive(member);
  }

  /**
   * Ends a task that was cancelled, or whose deadline has passed.
   * @returns whether it has ended; where PostgreSQL refuses the end, an execution of its own finds out why
   */
  async #close(member: Member): Promise<boolean> {
    const { execution, stretch, stopped } = member;
    if (stopped !== 'cancelled' && stopped !== 'late') return false;
    const { reason, ...end } = STOPPED[stopped];
    const { state: graph } = abandonRuns(stretch.definition, stretch.state, reason);
    try {
      const { status } = await closeExecution(this.#options.deps, { execution, graph, ...end });
      this.#members.delete(member);
      this.#counts[status] = (this.#counts[status] ?? 0) + 1;
      return true;
    } catch (error) {
      if (!isFinalError(error)) throw error;
      member.fault = error;
      return false;
    }
  }

  async #leave(leaving: readonly Member[]): Promise<void> {
    const { deps, carrier } = this.#options;
    for (const { execution, fault } of leaving) {
      const { taskId } = execution;
      if (fault !== null)
        deps.log.warn(
          { taskId, error: errorMessage(fault) },
          'moved a task out of its shared execution after an unexpected error',
        );
    }
    const executions = leaving.map(({ execution }) => execution);
    const left = await leave(deps, carrier, executions);
    for (const member of leaving) this.#members.delete(member);
    this.#counts.left = (this.#counts.left ?? 0) + left;
  }

  /** An outage is waited out by the next look. */
  async #look(): Promise<void> {
    const { deps, carrier } = this.#options;
    const traces = [...this.#members].map(({ execution }) => execution.traceId);
    const standing = await deps.database.single
      .inSystem('dispatch', ({ em }) => standingTogether(em, carrier, traces))
      .catch(() => null);
    if (standing === null) return;
    for (const member of this.#members) {
      const own = standing.get(member.execution.traceId);
      if (own === undefined) member.stop('gone');
      else member.heed(own);
    }
  }
}

/** What has to be written for a member, each output once. */
async function noteWithoutCopies(member: Member): Promise<WaveNote> {
  const note = await noteOf(member);
  return { ...note, runs: member.kept.refer(note.runs) };
}
