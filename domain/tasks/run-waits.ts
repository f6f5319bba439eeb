import type { Json } from '../json.ts';
import type { RunPath } from '../traces/path.ts';

/** What a run can wait for that has a row in `run_waits`; an approval has its own in `approvals`. */
export const RUN_WAIT_KINDS = ['message', 'event', 'time', 'entities', 'child'] as const;
export type RunWaitKind = (typeof RUN_WAIT_KINDS)[number];

/** The states of a wait. `answered`: what it waited for is there. Each ends once, under the lock of its row. */
export const RUN_WAIT_STATES = ['waiting', 'answered', 'expired'] as const;

/** The signal that tells a task's workflow to look at a wait again. It may come twice, and before the wait. */
export const WAIT_ENDED = 'waitEnded';

/** What stands as the process of a run that waits: it is one attempt, whichever process looks at it. */
export const WAITING_PROCESS = 'waiting';

/** The values of an entity collector, by name: those that are known so far. */
export type EntityValues = Readonly<Record<string, Json>>;

/** What an answer in Temporal leads to: the values stay out of its history. */
export interface AnsweredWait {
  readonly path: RunPath;
  /** The names of what is still asked for; where there are none, the node continues. */
  readonly missing: readonly string[];
}
