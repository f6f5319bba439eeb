import { setTimeout as pause } from 'node:timers/promises';
import type { TaskEvent, TaskHandle, TaskView } from '../../client.ts';
import type { MusterError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { TraceEventType } from '../../domain/traces/events.ts';
import { TaskCancelled, TaskFailed } from '../../operations/operation-errors.ts';
import { Interrupted } from '../cli-errors.ts';
import { formatDuration, formatTime, plain, shorten } from '../output/formatting.ts';
import type { Colors, Output } from '../output/output.ts';
import { untilInterrupted } from '../session.ts';

/** The words for events that matter to a person who waits. Other events are not shown. */
const WORDS: Partial<Record<TraceEventType, string>> = {
  'run.completed': 'done',
  'run.retried': 'retry',
  'run.failed': 'failed',
  'run.skipped': 'skipped',
  'trace.paused': 'paused',
  'trace.resumed': 'resumed',
};

/** Turns a task's events, given in their order, into one line for each node that has ended. */
export class NodeProgress {
  readonly #colors: Colors;
  readonly #startedAt = new Map<string, Date>();

  constructor(colors: Colors) {
    this.#colors = colors;
  }

  line(event: TaskEvent): string | null {
    const { type, at } = event;
    const node = event.path ?? '';
    if (type === 'run.started') this.#startedAt.set(node, at);
    const word = WORDS[type];
    if (word === undefined) return null;
    const time = this.#colors.dim(formatTime(at).slice(0, 8));
    return `  ${time}  ${this.#paint(word)}  ${plain(node).padEnd(24)}${this.#detail(event)}`.trimEnd();
  }

  #paint(word: string): string {
    const padded = word.padEnd(7);
    if (word === 'done') return this.#colors.green(padded);
    return word === 'failed' ? this.#colors.red(padded) : this.#colors.dim(padded);
  }

  #detail({ type, path, at, data }: TaskEvent): string {
    const startedAt = this.#startedAt.get(path ?? '');
    if (type === 'run.completed' && startedAt !== undefined) {
      return formatDuration(at.getTime() - startedAt.getTime());
    }
    const { reason, message, code } = isJsonObject(data) ? data : {};
    return shorten(String(reason ?? message ?? code ?? ''), 100);
  }
}

/** After this time the command tells what the task waits for. */
const PATIENCE_MS = 4_000;
/** How often to look after that: each look reads the whole task from PostgreSQL. */
const LOOK_EVERY_MS = 5_000;

/** Reports on standard error what a task waits for, whenever that changes, until the signal aborts. */
export async function tellWaits(task: TaskHandle, output: Output, signal: AbortSignal): Promise<void> {
  let told: string | null = null;
  for (let wait = PATIENCE_MS; await hasPassed(wait, signal); wait = LOOK_EVERY_MS) {
    // While a store is unavailable this is unknown; the code that follows the task reports the outage.
    const view = await task.show().catch(() => null);
    if (view === null || signal.aborted) continue;
    const { waitsFor } = view.task;
    if (waitsFor !== null && waitsFor !== told) output.progress(`The task waits for ${waitsFor}.`);
    told = waitsFor;
  }
}

function hasPassed(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, undefined, { signal }).then(
    () => true,
    () => false,
  );
}

export interface WaitOptions {
  readonly output: Output;
  /** Report every node even if nobody watches. @defaultValue only on a terminal */
  readonly always?: boolean;
}

/**
 * Follows a task to its end, reports progress on a terminal, and returns the whole task. Ctrl-C ends the waiting, not
 * the task.
 * @throws Interrupted, TaskUnknown
 */
export function waitForEnd(task: TaskHandle, options: WaitOptions): Promise<TaskView> {
  return untilInterrupted(follow(task, options), () => {
    throw new Interrupted(
      `Stopped waiting; the task ${task.id} continues on any worker. \`muster watch ${task.id}\` follows it, \`muster cancel ${task.id}\` ends it.`,
    );
  });
}

async function follow(task: TaskHandle, { output, always = output.isWatched }: WaitOptions): Promise<TaskView> {
  const progress = new NodeProgress(output.progressColors);
  const ended = new AbortController();
  void tellWaits(task, output, ended.signal);
  try {
    for await (const event of task.events()) {
      const line = always ? progress.line(event) : null;
      if (line !== null) output.progress(line);
    }
  } finally {
    ended.abort();
  }
  // The events end with the trace; the task's row may follow by the length of a transaction.
  await task.result().catch(() => undefined);
  return task.show();
}

/** The error with which a task that did not complete fails its command; null for a completed one. */
export function endFailure({ task }: TaskView): MusterError | null {
  if (task.status === 'cancelled') return new TaskCancelled(task.id, task.error);
  return task.status === 'failed' ? new TaskFailed(task.id, task.error) : null;
}
