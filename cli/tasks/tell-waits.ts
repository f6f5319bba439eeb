import { setTimeout as pause } from 'node:timers/promises';
import type { TaskHandle } from '../../client.ts';
import type { Output } from '../output/output.ts';

/** After so long without a word the user is told what a task waits for. */
const PATIENCE_MS = 4_000;
/** How often it is looked at after that: it costs PostgreSQL the reading of the whole task. */
const LOOK_EVERY_MS = 5_000;

/** Says on standard error what keeps a task waiting, whenever that changes, until the signal aborts. */
export async function tellWaits(task: TaskHandle, output: Output, signal: AbortSignal): Promise<void> {
  let told: string | null = null;
  for (let wait = PATIENCE_MS; await hasPassed(wait, signal); wait = LOOK_EVERY_MS) {
    // While a store is unavailable nobody knows; the code that follows the task says that.
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
