import { condition, workflowInfo } from '@temporalio/workflow';
import type { RunPath } from '../../domain/traces/path.ts';

/** What the gate asks of its execution. */
export interface GateView {
  readonly isPaused: () => boolean;
  /** Called whenever the main loop has to look again. */
  readonly changed: () => void;
}

/** The least wait for a person, so that a clock that is a little late makes no loop. */
const LEAST_WAIT_MS = 1_000;

/**
 * Where thinking runs stand between two of their calls: while the task is paused, until a person has decided, or until
 * the workflow has continued as new.
 */
export class StepGate {
  readonly #view: GateView;
  /** Decisions that have arrived and that nobody has looked at. One may arrive before its wait. */
  readonly #decided = new Set<string>();
  #resting: readonly RunPath[] = [];
  #waiting = 0;

  constructor(view: GateView) {
    this.#view = view;
  }

  /** The runs that stand until the workflow has continued as new. */
  get resting(): readonly RunPath[] {
    return this.#resting;
  }

  /** How many runs wait for a person. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Waits while the task is paused. False where the history is long: the run then rests. */
  async mayGoOn(path: RunPath): Promise<boolean> {
    if (this.#view.isPaused()) await condition(() => !this.#view.isPaused());
    if (!workflowInfo().continueAsNewSuggested) return true;
    this.#resting = [...this.#resting, path];
    this.#view.changed();
    return false;
  }

  /** Notes that a person has decided. */
  decide(approvalId: string): void {
    this.#decided.add(approvalId);
  }

  /** Waits until a person has decided, or their time is over. */
  async decision({ approvalId, expiresAtMs }: { approvalId: string; expiresAtMs: number }): Promise<void> {
    this.#waiting += 1;
    this.#view.changed();
    try {
      const restMs = Math.max(LEAST_WAIT_MS, expiresAtMs - Date.now());
      await condition(() => this.#decided.has(approvalId), restMs);
      this.#decided.delete(approvalId);
    } finally {
      this.#waiting -= 1;
      this.#view.changed();
    }
  }
}
