import type { Json } from '../../json.ts';
import type { RecordedRun } from '../../traces/canonical.ts';
import type { RunPath } from '../../traces/path.ts';
import type { InnerCheck } from '../replayed.ts';

/** A run that has begun and not ended: one that waits, or a container with inner graphs. */
export type OpenRun = Pick<RecordedRun, 'path' | 'kind' | 'performer'>;

/** What has happened of a task. */
export interface Happened {
  /** Its input. */
  readonly task: Json;
  readonly ended: readonly RecordedRun[];
  readonly open: readonly OpenRun[];
}

export interface ProofOptions {
  /**
   * What of the ended runs stands. `all`: the task continues with it, as a parked one does that moves to the version.
   * `handlers`: outputs that code, a model or a person made; the rest is decided anew, as for a task submitted again.
   */
  readonly stands: 'all' | 'handlers';
  /** What is wrong with the task's input, as a sentence; null where it fits. @defaultValue any input fits */
  readonly checkTask?: (task: Json) => string | null;
  /** @defaultValue any input suits */
  readonly checkInner?: InnerCheck;
}

/** Where a task would break, and why. */
export interface Break {
  /** The run; null where it is about the task itself. */
  readonly path: RunPath | null;
  /** One sentence. */
  readonly message: string;
}

/** What a version makes of what has happened. */
export interface Proof {
  /** Null where the task can be completed. */
  readonly breaks: Break | null;
  /** Runs whose recorded end was used. */
  readonly stood: readonly RunPath[];
  /** Runs of which nothing is recorded: what they will do is not proved. */
  readonly assumed: readonly RunPath[];
}
