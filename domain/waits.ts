/** How waits between retries grow. */
export interface GrowingWait {
  /** The wait before the first retry, in milliseconds. */
  readonly firstMs: number;
  /** The factor between two waits. @defaultValue 2 */
  readonly factor?: number;
  /** The longest wait, in milliseconds. */
  readonly mostMs: number;
}

/** The wait after this many failures in a row, in milliseconds. @param failures at least 1 */
export function growingWaitMs({ firstMs, factor = 2, mostMs }: GrowingWait, failures: number): number {
  return Math.min(mostMs, firstMs * factor ** (failures - 1));
}

/**
 * A random half to whole of a wait, so that calls that failed together do not return together.
 * @param chance 0 to 1
 */
export function halfToAll(waitMs: number, chance: number): number {
  return waitMs * (0.5 + chance / 2);
}

/**
 * The result of the work or the reason of the signal's abort, whichever is first. A later rejection of the work does
 * not count as unhandled.
 */
export async function raceWithAbort<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  signal.throwIfAborted();
  const over = Promise.withResolvers<never>();
  const abort = () => over.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work(), over.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
