import type { Muster } from '../client.ts';
import { given } from './input/given.ts';

/** What every command that reads a tenant's data understands. */
export interface TenantOptions {
  readonly json?: boolean;
  readonly tenant?: string;
}

/** Connects for one command and closes again, however the command ends. */
export async function withMuster<Result>(
  { tenant }: TenantOptions,
  work: (muster: Muster) => Promise<Result>,
): Promise<Result> {
  // Loaded here and not above: the client brings its stores' libraries along, which help and wrong usage need not wait for.
  const { connect } = await import('../client.ts');
  const muster = await connect(given({ tenant }));
  return thenClose(
    () => work(muster),
    () => muster.close(),
  );
}

/** Works, then closes, however the work ended. Where both fail the work's error is thrown: it came first, and says why. */
export async function thenClose<Result>(work: () => Promise<Result>, close: () => Promise<void>): Promise<Result> {
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  await close();
  return result;
}

/**
 * Runs until the work ends or the user presses Ctrl-C; then `onInterrupt` decides with what to end. The work is left to
 * itself, so it must be something that only looks.
 */
export async function untilInterrupted<Result>(work: Promise<Result>, onInterrupt: () => Result): Promise<Result> {
  work.catch(() => undefined);
  const interrupt = Promise.withResolvers<Result>();
  const listener = () => {
    try {
      interrupt.resolve(onInterrupt());
    } catch (error) {
      interrupt.reject(error);
    }
  };
  process.once('SIGINT', listener);
  try {
    return await Promise.race([work, interrupt.promise]);
  } finally {
    process.off('SIGINT', listener);
  }
}
