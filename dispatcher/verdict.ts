import { type ErrorCode, errorMessage, hasErrorCode, isFinalError } from '../domain/errors.ts';
import { storableText } from '../domain/json.ts';
import type { Failure } from '../domain/tasks/execution.ts';
import { refusalOf } from '../temporal/refusals.ts';

/**
 * The failure with which a loop gives up the one task, or the one row, that it met an error at: for what is refused again
 * however often it is tried. Null for what another try may get past: a store that is unavailable, overloaded or not set up.
 * Told by codes: those of Muster's errors, which PostgreSQL's SQLSTATEs have become by then, and gRPC's statuses.
 */
export function verdictOf(error: unknown): Failure | null {
  if (isFinalError(error)) return { code: error.code, message: storableText(errorMessage(error)) };
  const refusal = refusalOf(error);
  if (refusal?.isFinal !== true) return null;
  return {
    code: 'start_refused',
    message: `Temporal refuses it (${refusal.status}: ${storableText(refusal.detail)}).`,
  };
}

const OUTAGES: readonly ErrorCode[] = [
  'service_unreachable',
  'transaction_timed_out',
  'database_overloaded',
  'database_read_only',
];

/** Whether an error says that a store is not there for anybody, so that trying others there is pointless. */
export function isOutage(error: unknown): boolean {
  if (hasErrorCode(error)) return OUTAGES.includes(error.code);
  return refusalOf(error)?.isFinal === false;
}
