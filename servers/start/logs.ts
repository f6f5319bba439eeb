import { closeSync, fstatSync, openSync, readSync, truncateSync, writeFileSync } from 'node:fs';
import type { StateFolder } from '../find/state-folder.ts';
import { SERVICE_NAMES } from '../services.ts';

/** A log that has grown beyond this begins anew. */
const LARGEST_LOG_BYTES = 10_000_000;

/** How often a running worker looks. */
const LOOK_EVERY_MS = 60_000;

/**
 * Begins every log anew that has grown too large, and keeps its end as `SERVICE.log.1`. It is emptied in place: its
 * server has it open for appending, and would keep writing into a renamed file. A line that is written at that very
 * moment may be lost.
 */
export function shortenLogs(folder: StateFolder): void {
  for (const name of SERVICE_NAMES) shortenLog(folder.logPath(name), LARGEST_LOG_BYTES);
}

/** The same for one log. A log that is not there, or cannot be written, is left as it is. */
export function shortenLog(path: string, largestBytes: number): void {
  try {
    const end = readEnd(path, largestBytes);
    if (end === null) return;
    writeFileSync(`${path}.1`, end, { mode: 0o600 });
    truncateSync(path, 0);
  } catch {
    // The log keeps growing; what it belongs to must not end for that.
  }
}

/** The last `bytes` of a file that has more; `null` for one that has not. */
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

/** Keeps the logs of Muster's own servers short as long as this process runs, or until the answer is called. */
export function watchLogs(folder: StateFolder): () => void {
  const timer = setInterval(() => shortenLogs(folder), LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
