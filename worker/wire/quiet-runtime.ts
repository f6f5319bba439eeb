import { IllegalStateError } from '@temporalio/common';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Log } from '../../activities/dependencies.ts';

/**
 * One runtime serves a process. Muster closes in its own order, so the runtime must not react to signals itself. A
 * program that installed one before keeps it, with its signals and its log.
 */
let runtimeIsQuiet = false;
export function quietRuntime(log: Log): void {
  if (runtimeIsQuiet) return;
  runtimeIsQuiet = true;
  try {
    Runtime.install({
      shutdownSignals: [],
      logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
        log[level === 'ERROR' ? 'error' : 'warn']({ temporal: String(meta?.error ?? '') }, message);
      }),
      telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } },
    });
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
    log.warn({}, "this process already has a Temporal runtime, which stays: it stops workers on the program's signals");
  }
}
