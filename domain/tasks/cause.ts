import type { TaskId } from '../ids.ts';
import type { RunPath } from '../traces/path.ts';

/** What a task can wait for, each kind with what ends it. */
export const CAUSE_KINDS = {
  paused: 'Somebody resumes the task, its band, its tenant or its graph.',
  dependency: 'The tasks that it depends on complete.',
  time: 'The moment comes before which it may not start, or for which its node waits.',
  worker: 'A worker that hosts what it needs is started on its task queue.',
  slot: 'A task that holds a slot of the full concurrency key ends, or the limit is raised.',
  place: 'A worker has a place for it: tasks before it end, or another worker is started.',
  limit: 'The rate limit, or the limit of an agent, lets its node continue.',
  retry: 'The wait before the next attempt of its node is over.',
  approval: 'A person approves or rejects a call that one of its agents asked for, or what its node asks.',
  input: 'Somebody answers what its node asks for.',
  message: 'Somebody sends it the message for which its node waits.',
  event: 'The event for which its node waits is published.',
  child: 'The task that its node runs ends.',
  budget: 'A person gives more to the budget, or calls under way cost less than they might.',
  model: 'A provider of the model answers.',
  handler: 'The code of its node returns.',
  service: 'The service answers again.',
  workflow: 'Its workflow takes the next step.',
} as const;
export type CauseKind = keyof typeof CAUSE_KINDS;

/** One reason why a task has not ended. */
export interface Cause {
  readonly kind: CauseKind;
  /** The end of a sentence "It waits for …". */
  readonly waitsFor: string;
  /** When it ends by itself; null where nobody can know. */
  readonly until: Date | null;
  /** The path of the run that waits; null where it is the task as a whole. */
  readonly path: RunPath | null;
  /** The tasks that hold it up, at most {@link MAX_HOLDERS}: those it depends on, or those that hold the slots. */
  readonly tasks: readonly TaskId[];
}

/** So many tasks are named that hold another one up. */
export const MAX_HOLDERS = 10;

/** A cause that names no run, no moment and no tasks unless it is told to. */
export function cause(kind: CauseKind, waitsFor: string, more: Partial<Omit<Cause, 'kind' | 'waitsFor'>> = {}): Cause {
  return { kind, waitsFor, until: null, path: null, tasks: [], ...more };
}
