import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { WriteRefused } from '../../database/database-errors.ts';
import type { Database } from '../../database/transaction.ts';
import { errorMessage } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { NO_TRACE, TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';
import { Recorder } from './recorder.ts';

/** Hears that a trace could not be written. */
export interface RecordLog {
  error(facts: JsonObject, message: string): void;
}

/** What a unit of work may use that writes what happened. */
export interface RecordingUnit {
  readonly em: SqlEntityManager;
  readonly recorder: Recorder;
}

/** Where units of work come from: `database`, or `database.single` for those of one statement. */
export interface RecordingOptions {
  readonly units: Pick<Database, 'inTenant'>;
  readonly log: RecordLog;
}

/** Runs a unit of work of one tenant that records what it does: see {@link withTrace}. */
export function recording<Result>(
  { units, log }: RecordingOptions,
  tenant: string,
  work: (unit: RecordingUnit) => Promise<Result>,
): Promise<Result> {
  return withTrace(log, (trace) => units.inTenant(tenant, ({ em }) => work({ em, recorder: new Recorder(em, trace) })));
}

/** The tables that only tell what happened. */
const TRACE_TABLES: readonly string[] = ['agent_traces', 'trace_events'];

/**
 * Runs a unit of work together with its record in the trace. Where a rule of the trace's own tables refuses the record,
 * or a trigger of an unknown table, the unit runs again without it: a trace must never fail the work that it describes.
 * The reconciler ends traces left open this way. Everything else is raised: what is transient was tried again as a
 * whole, and what refuses the work itself would refuse it again.
 */
export async function withTrace<Result>(log: RecordLog, unit: (trace: TraceParts) => Promise<Result>): Promise<Result> {
  try {
    return await unit(TRACE);
  } catch (error) {
    if (!(error instanceof WriteRefused) || !mayBeTheTraces(error)) throw error;
    log.error({ error: errorMessage(error) }, 'could not write the trace; the work continues without it');
    return unit(NO_TRACE);
  }
}

function mayBeTheTraces({ table }: WriteRefused): boolean {
  return table === null || TRACE_TABLES.includes(table);
}
