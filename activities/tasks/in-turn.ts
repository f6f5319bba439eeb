/** One line a process, because it is the process that dies. */
let last: Promise<void> = Promise.resolve();

/** Where the turn did not come, because the signal aborted before it or the time was over, the work was not called. */
export type Turn<Result> =
  | { readonly came: true; readonly result: Result }
  | { readonly came: false; readonly why: 'aborted' | 'late' };

export interface TurnOptions {
  readonly signal: AbortSignal;
  /** How long to wait in line. Milliseconds. */
  readonly withinMs: number;
}

/**
 * Runs nodes one after another whose workers died again and again. One of them may be what kills workers, and the
 * others only died with it: in parallel they would die with it again and be given up for its crashes. In a line, those
 * before it end, and those behind it have not begun. After a first death they still run side by side, because the death
 * of a machine must not make all that it ran wait in a line.
 */
export async function inTurn<Result>(options: TurnOptions, work: () => Promise<Result>): Promise<Turn<Result>> {
  const before = last;
  const over = Promise.withResolvers<void>();
  last = before.then(() => over.promise);
  try {
    const first = await firstOf(before, options);
    if (first !== 'turn') return { came: false, why: first };
    return { came: true, result: await work() };
  } finally {
    over.resolve();
  }
}

async function firstOf(before: Promise<void>, { signal, withinMs }: TurnOptions): Promise<'turn' | 'aborted' | 'late'> {
  const other = Promise.withResolvers<'aborted' | 'late'>();
  const abort = () => other.resolve('aborted');
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => other.resolve('late'), withinMs);
  try {
    return await Promise.race([other.promise, before.then(() => 'turn' as const)]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
