import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { errorMessage } from '../../domain/errors.ts';
import { isAlive, type ProcessIdentity } from '../find/process-identity.ts';
import { lastLine } from '../install/commands.ts';

export interface ReadinessOptions {
  identity: ProcessIdentity;
  logPath: string;
  timeoutMs: number;
}

/**
 * Probes a server until it answers. Rejects with a sentence as soon as its process is gone, or after `timeoutMs`; the
 * sentence names the log file and quotes its last relevant line.
 */
export async function waitUntilAnswers<T>(probe: () => Promise<T>, options: ReadinessOptions): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (!isAlive(options.identity)) {
        throw new Error(`its process ended at once. ${logHint(options.logPath)}`, { cause: error });
      }
      if (Date.now() > deadline) {
        const seconds = Math.round(options.timeoutMs / 1000);
        const reason = `it gave no answer within ${seconds} s (${errorMessage(error)}).`;
        throw new Error(`${reason} ${logHint(options.logPath)}`, { cause: error });
      }
      await pause(50);
    }
  }
}

/** A sentence that names the log and quotes its last relevant line. */
export function logHint(logPath: string): string {
  return `Its log ${logPath} says last: ${lastRelevantLine(logPath)}`;
}

/** The last line about a fault, or else the last line. */
function lastRelevantLine(logPath: string): string {
  try {
    const tail = readFileSync(logPath, 'utf8').slice(-16_384);
    const faults = tail.split('\n').filter((line) => /fatal|panic|error|cannot|could not|unable|invalid/i.test(line));
    return faults.at(-1)?.trim() ?? lastLine(tail);
  } catch {
    return '(it could not be read)';
  }
}
