import { errorMessage, hasErrorCode, isFinalError, isStoreOutage } from '../domain/errors.ts';
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

/**
 * Whether an error says that a store or Temporal is unavailable to all, so that it is pointless to try the others
 * there.
 */
export function isOutage(error: unknown): boolean {
  return hasErrorCode(error) ? isStoreOutage(error) : refusalOf(error)?.isFinal === false;
}
