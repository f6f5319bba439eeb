import { errorMessage, MusterError } from '../../domain/errors.ts';
import type { ActivityDependencies } from '../dependencies.ts';

/**
 * Runs a unit of work together with its record in the trace; when the database refuses it, runs it once more without
 * the record. A trace must never fail the work that it describes. The reconciler ends traces left open this way.
 */
export async function withRecord<Result>(
  deps: Pick<ActivityDependencies, 'log'>,
  unit: (record: boolean) => Promise<Result>,
): Promise<Result> {
  try {
    return await unit(true);
  } catch (error) {
    if (!isDatabaseRefusal(error)) throw error;
    deps.log.error({ error: errorMessage(error) }, 'the trace could not be written; the work goes on without it');
    return unit(false);
  }
}

/** PostgreSQL said no to a statement: a constraint, a trigger, a missing partition. Outages are retried elsewhere. */
function isDatabaseRefusal(error: unknown): boolean {
  if (error instanceof MusterError || typeof error !== 'object' || error === null) return false;
  return 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code);
}
