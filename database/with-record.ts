import { errorMessage } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { WriteRefused } from './database-errors.ts';

/** Hears that a trace could not be written. */
export interface RecordLog {
  error(facts: JsonObject, message: string): void;
}

/** The tables that only tell what happened. */
const RECORD_TABLES: readonly string[] = ['agent_traces', 'trace_events'];

/**
 * Runs a unit of work together with its record in the trace. Where a rule of the trace's own tables refuses the record,
 * or a trigger that does not say whose it is, the unit runs once more without it: a trace must never fail the work that
 * it describes. The reconciler ends traces left open this way. Everything else is raised: what is transient was tried
 * again as a whole, and what refuses the work itself would refuse it again.
 */
export async function withRecord<Result>(
  { log }: { readonly log: RecordLog },
  unit: (record: boolean) => Promise<Result>,
): Promise<Result> {
  try {
    return await unit(true);
  } catch (error) {
    if (!(error instanceof WriteRefused) || !mayBeTheRecords(error)) throw error;
    log.error({ error: errorMessage(error) }, 'the trace could not be written; the work continues without it');
    return unit(false);
  }
}

function mayBeTheRecords({ table }: WriteRefused): boolean {
  return table === null || RECORD_TABLES.includes(table);
}
