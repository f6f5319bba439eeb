import { faultOf, isTransient } from '../database/database-faults.ts';
import { type ErrorCode, errorClause, hasErrorCode, MusterError } from '../domain/errors.ts';

/** The code of a failed command: one of Muster's error codes, or one that only the command line has. */
export type FailureCode = ErrorCode | 'wrong_usage' | 'interrupted' | 'schema_missing' | 'unexpected';

const EXIT_WRONG_USAGE = 2;
export const EXIT_FAILED = 1;

/** The command line was not understood: a command, argument, option or value is unknown. Nothing was done. */
export class WrongUsage extends Error {
  readonly code = 'wrong_usage';
}

/** The user pressed Ctrl-C while a command waited. What it waited for continues. */
export class Interrupted extends Error {
  readonly code = 'interrupted';
}

/** A module given to `muster worker --agents` cannot be used. The worker was not started. */
export class AgentsModuleInvalid extends MusterError {
  readonly code = 'agents_module_invalid';
  constructor(file: string, fault: string, cause?: unknown) {
    super(`${file} cannot be used as a module of agents: ${fault}`, { file }, { cause });
  }
}

/** A step of the set-up failed after the services were ready. The steps before it stay done. */
export class SetUpStepFailed extends MusterError {
  readonly code = 'service_start_failed';
  override readonly retryable = true;
  constructor(step: string, reason: string, cause: unknown) {
    super(`The set-up is not complete, its step "${step}" failed: ${reason}`, { step }, { cause });
  }
}

/** Something that a working installation needs is missing. */
export class NotReady extends MusterError {
  readonly code = 'service_not_running';
  override readonly retryable = true;
  constructor(missing: readonly string[], remedy: string) {
    super(`Not ready: ${missing.join(', ')}. ${remedy}`, { missing: missing.length });
  }
}

/** An error as the terminal shows it. */
export interface FailureReport {
  readonly code: FailureCode;
  readonly message: string;
  readonly exitCode: number;
}

/** Describes anything that was thrown in one sentence that says what to do. */
export function describeFailure(error: unknown): FailureReport {
  if (error instanceof WrongUsage) return { code: error.code, message: error.message, exitCode: EXIT_WRONG_USAGE };
  if (error instanceof Interrupted || hasErrorCode(error)) {
    return { code: error.code, message: error.message, exitCode: EXIT_FAILED };
  }
  const { code, message } = describeForeign(error);
  return { code, message, exitCode: EXIT_FAILED };
}

function describeForeign(error: unknown): { code: FailureCode; message: string } {
  const reason = errorClause(error);
  const fault = faultOf(error);
  if (fault === 'unprepared') {
    const message = `The database is not prepared for this version of Muster (${reason}). Run \`muster up\`, or \`muster migrate\` where the services are your own.`;
    return { code: 'schema_missing', message };
  }
  if (isTransient(fault) || fault === 'login_refused') {
    const message = `A service does not answer (${reason}). \`muster status\` says which one, and what to do.`;
    return { code: 'service_unreachable', message };
  }
  const message = `Something unexpected failed: ${reason}. Set MUSTER_LOG_LEVEL=debug and run the command again to see where.`;
  return { code: 'unexpected', message };
}
