import type { TaskHandle, TaskView } from '../../client.ts';
import type { MusterError } from '../../domain/errors.ts';
import { TaskCancelled, TaskFailed } from '../../operations/operation-errors.ts';
import { Interrupted } from '../cli-errors.ts';
import type { Output } from '../output/output.ts';
import { untilInterrupted } from '../session.ts';
import { NodeProgress } from './node-progress.ts';
import { tellWaits } from './tell-waits.ts';

/** After so long without a first event the user is told that no worker has taken the task. */
const PATIENCE_MS = 4_000;

export interface WaitOptions {
  readonly output: Output;
  /** Tell of every node also where nobody watches. @defaultValue only on a terminal */
  readonly always?: boolean;
}

/**
 * Follows a task to its end, saying on a terminal what happens, and reads it whole. Ctrl-C ends the waiting and not the
 * task. @throws Interrupted, TaskUnknown
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
  const impatience = setTimeout(() => {
    output.progress('No worker has taken the task yet. `muster worker` starts one; the task waits meanwhile.');
  }, PATIENCE_MS);
  const ended = new AbortController();
  void tellWaits(task, output, ended.signal);
  try {
    for await (const event of task.events()) {
      clearTimeout(impatience);
      const line = always ? progress.line(event) : null;
      if (line !== null) output.progress(line);
    }
  } finally {
    ended.abort();
    clearTimeout(impatience);
  }
  // The events end with the trace; the task's row may follow by the length of a transaction.
  await task.result().catch(() => undefined);
  return task.show();
}

/** What a task that has ended badly makes its command fail with; null for a completed one. */
export function endFailure({ task }: TaskView): MusterError | null {
  if (task.status === 'cancelled') return new TaskCancelled(task.id, task.error);
  return task.status === 'failed' ? new TaskFailed(task.id, task.error) : null;
}
