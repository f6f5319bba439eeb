import type { Database } from '../database/transaction.ts';
import { errorMessage, hasErrorCode, MusterError } from '../domain/errors.ts';
import type { ExecutionRef, Failure } from '../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../domain/tasks/status.ts';
import { NOTHING_STORED } from '../entities/traces/artifact-repository.ts';
import { TraceRepository } from '../entities/traces/trace-repository.ts';

/** Ends a task whose workflow cannot: it was closed from outside, or could never start. Its first end stands. */
export async function endFromOutside(
  database: Database,
  execution: ExecutionRef,
  { status, failure }: { status: TerminalTaskStatus; failure: Failure },
): Promise<void> {
  await database.inTenant(execution.tenant, async ({ em }) => {
    const traces = new TraceRepository(em);
    const end = { execution, status, failure, output: NOTHING_STORED, reply: '' };
    const written = await traces.endTask(end);
    if (written !== null) await traces.endTrace({ ...end, status: written });
  });
}

/** The failure of a task that can never start, whoever tries; null for an error that another try may get past. */
export function finalStartFailure(error: unknown): Failure | null {
  if (!(error instanceof MusterError) || error.retryable || !hasErrorCode(error)) return null;
  return { code: error.code, message: errorMessage(error) };
}
