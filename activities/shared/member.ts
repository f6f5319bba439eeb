import { isFinished } from '../../domain/graphs/graph-state.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { KeptValues } from '../../operations/record/kept-values.ts';
import type { CarriedStanding } from '../../operations/record/shared-traces.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import type { Breath } from '../tasks/breath.ts';
import type { Stretch } from '../tasks/stretch.ts';
import type { StretchActivity } from '../tasks/stretch-activity.ts';

/**
 * Why a member takes no further step. `cancelled`, `late`: its task has to end so. `paused`: it has to pause.
 * `leaving`: it continues in an execution of its own. `gone`: this execution no longer carries it, and must write
 * nothing of it.
 */
type Stop = 'cancelled' | 'late' | 'paused' | 'leaving' | 'gone';

type Tried = Pick<Member, 'tries'>;

/** A task in a shared execution, with the stretch of its nodes. */
export class Member implements StretchActivity {
  readonly deps: ActivityDependencies;
  readonly execution: ExecutionRef;
  readonly hasDeadline: boolean;
  readonly stretch: Stretch;
  /** All members of an execution have the same. */
  readonly breath: Breath;
  /** How often its nodes were begun since any of them was written, this time included. */
  readonly tries: number;
  /** The outputs that have been written. */
  readonly kept = new KeptValues();
  readonly #stopping = new AbortController();
  #stopped: Stop | null = null;
  #isRefused = false;
  /** Whether it takes no step any more, or not before what it did is written. */
  isOver = false;
  /** A fault of the program at one of its steps. */
  fault: unknown = null;

  constructor({ deps, execution, hasDeadline, stretch, breath, tries }: Omit<StretchActivity, 'cancellation'> & Tried) {
    this.deps = deps;
    this.execution = execution;
    this.hasDeadline = hasDeadline;
    this.stretch = stretch;
    this.breath = breath;
    this.tries = tries;
  }

  get cancellation(): AbortSignal {
    return this.#stopping.signal;
  }

  get stopped(): Stop | null {
    return this.#stopped;
  }

  /**
   * Lets it take no further step. A running handler gets its signal, unless its end is still of use. The first reason
   * stands, except that a task that has to pause may have to end meanwhile.
   */
  stop(why: Stop): void {
    if (this.#stopped === null || this.#stopped === 'paused') this.#stopped = why;
    if (why !== 'paused' && why !== 'leaving') this.#stopping.abort();
  }

  /** Does what its row asks for now: a resume takes a pause back. */
  heed({ isCancelled, isLate, isPaused, isApart }: CarriedStanding): void {
    if (isCancelled) this.stop('cancelled');
    else if (isLate) this.stop('late');
    else if (isPaused) this.stop('paused');
    else if (isApart) this.stop('leaving');
    else if (this.#stopped === 'paused') this.#stopped = null;
  }

  /** Nothing more can be written of it here. */
  refuse(): void {
    this.#isRefused = true;
    this.stop('leaving');
  }

  /** Whether there is something to write of it. */
  get hasNews(): boolean {
    if (this.#stopped === 'gone' || this.#isRefused) return false;
    const { definition, state, isUnwritten } = this.stretch;
    return isUnwritten || (this.isOver && isFinished(definition, state));
  }

  /** Whether it has come to a rest only because a stretch must not become too long. */
  get mayContinue(): boolean {
    return this.fault === null && this.#stopped === null && this.stretch.next() !== null;
  }
}
