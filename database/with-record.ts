import { errorMessage, MusterError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';

/** Hears that a trace could not be written. */
export interface RecordLog {
  error(facts: JsonObject, message: string): void;
}

/**
 * Runs a unit of work together with its record in the trace; when the database refuses it, runs it once more without
 * the record. A trace must never fail the work that it describes. The reconciler ends traces left open this way.
 */
export async function withRecord<Result>(
  { log }: { readonly log: RecordLog },
  unit: (record: boolean) => Promise<Result>,
): Promise<Result> {
  try {
    return await unit(true);
  } catch (error) {
    if (!isDatabaseRefusal(error)) throw error;
    log.error({ error: errorMessage(error) }, 'the trace could not be written; the work goes on without it');
    return unit(false);
  }
}

/** Tables of the work itself: what they refuse is not the trace's fault, and would be refused again. */
const TABLES_OF_WORK: readonly unknown[] = ['tasks', 'concurrency_slots'];

/** PostgreSQL said no to a statement: a constraint, a trigger, a missing partition. Outages are retried elsewhere. */
function isDatabaseRefusal(error: unknown): boolean {
  if (error instanceof MusterError || typeof error !== 'object' || error === null) return false;
  if ('table' in error && TABLES_OF_WORK.includes(error.table)) return false;
  return 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code);
}
