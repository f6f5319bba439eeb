import pTimeout from 'p-timeout';
import { WorkerStopIncomplete } from '../worker-errors.ts';
import type { Closers } from './closers.ts';

export interface CloseInTimeOptions {
  readonly closers: Closers;
  /** How long running nodes may continue, see `MUSTER_SHUTDOWN_GRACE_SECONDS`. */
  readonly graceMs: number;
  /** A start that still runs: what it opens from now on is closed too. @defaultValue none */
  readonly starting?: Promise<unknown>;
}

/** The time after the grace time for returning work and closing connections. */
export const AFTER_GRACE_MS = 5_000;

/**
 * Closes everything, within five seconds after the grace time.
 * @throws WorkerStopIncomplete when the time is over, while the rest keeps closing; or the first failure of a closer
 */
export async function closeInTime({ closers, graceMs, starting }: CloseInTimeOptions): Promise<void> {
  const withinMs = graceMs + AFTER_GRACE_MS;
  const fallback = () => {
    throw new WorkerStopIncomplete(withinMs, closers.current === '' ? 'its start' : closers.current);
  };
  await pTimeout(closeAll(closers, starting), { milliseconds: withinMs, fallback });
}

async function closeAll(closers: Closers, starting: Promise<unknown> | undefined): Promise<void> {
  const outcomes = [await Promise.allSettled([closers.closeAll()])];
  if (starting !== undefined) {
    await starting.catch(() => undefined);
    outcomes.push(await Promise.allSettled([closers.closeAll()]));
  }
  for (const [outcome] of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
