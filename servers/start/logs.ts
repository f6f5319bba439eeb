import { closeSync, fstatSync, openSync, readSync, truncateSync, writeFileSync } from 'node:fs';
import type { StateFolder } from '../find/state-folder.ts';
import { SERVICE_NAMES } from '../services.ts';

/** A log that exceeds this size starts again. */
const LARGEST_LOG_BYTES = 10_000_000;

/** How often a running worker looks. */
const LOOK_EVERY_MS = 60_000;

/**
 * Empties every log that has grown too large and keeps its end as `SERVICE.log.1`. It is emptied in place, because its
 * server has it open for appending and would keep writing into a renamed file. A line that is written at that moment
 * may be lost.
 */
export function shortenLogs(folder: StateFolder): void {
  for (const name of SERVICE_NAMES) shortenLog(folder.logPath(name), LARGEST_LOG_BYTES);
}

/** The same for one log. A log that is missing or cannot be written is left as it is. */
export function shortenLog(path: string, largestBytes: number): void {
  try {
    const end = readEnd(path, largestBytes);
    if (end === null) return;
    writeFileSync(`${path}.1`, end, { mode: 0o600 });
    truncateSync(path, 0);
  } catch {
    // The log keeps growing, which must not end its process.
  }
}

/** The last `bytes` of a larger file; `null` for any other. */
function readEnd(path: string, bytes: number): Buffer | null {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size <= bytes) return null;
    const end = Buffer.alloc(bytes);
    return end.subarray(0, readSync(file, end, 0, bytes, size - bytes));
  } finally {
    closeSync(file);
  }
}

/** Keeps the logs of Muster's own servers short while this process runs, until the returned function is called. */
export function watchLogs(folder: StateFolder): () => void {
  const timer = setInterval(() => shortenLogs(folder), LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
