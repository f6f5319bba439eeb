/** One line a process, because it is the process that dies. */
let last: Promise<void> = Promise.resolve();

/** `came` is false when the signal aborted before the turn; then the work was not called. */
export type Turn<Result> = { readonly came: true; readonly result: Result } | { readonly came: false };

/**
 * Runs nodes one after another whose workers died again and again. One of them may be what kills workers, and the others
 * only died with it: side by side they would die with it once more and be given up for its crashes. In a line, those
 * before it end, and those behind it have not begun. After a first death they still run side by side, because the death
 * of a machine must not make all that it ran wait in a line.
 */
export async function inTurn<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Turn<Result>> {
  const before = last;
  const over = Promise.withResolvers<void>();
  last = before.then(() => over.promise);
  try {
    if (!(await comesBeforeAbort(before, signal))) return { came: false };
    return { came: true, result: await work() };
  } finally {
    over.resolve();
  }
}

async function comesBeforeAbort(before: Promise<void>, signal: AbortSignal): Promise<boolean> {
  const aborted = new Promise<boolean>((resolve) => {
    if (signal.aborted) resolve(false);
    signal.addEventListener('abort', () => resolve(false), { once: true });
  });
  return Promise.race([aborted, before.then(() => true)]);
}
