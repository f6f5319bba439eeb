import { faultOf, isTransient } from '../database/database-faults.ts';
import { type ErrorCode, errorClause, hasErrorCode, MusterError } from '../domain/errors.ts';

/** What an error of the command line may be called: the codes of Muster's errors, and those of a terminal alone. */
export type FailureCode = ErrorCode | 'wrong_usage' | 'interrupted' | 'schema_missing' | 'unexpected';

/** The exit code of a command that was called in a way that cannot be understood. */
export const EXIT_WRONG_USAGE = 2;
/** The exit code of a command that was understood and failed. */
export const EXIT_FAILED = 1;

/** The command line cannot be understood: a command, argument, option or value that is not known. Nothing was done. */
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
  readonly retryable = false;
  constructor(file: string, fault: string, cause?: unknown) {
    super(`${file} cannot be used as a module of agents: ${fault}`, { file }, { cause });
  }
}

/** A step of the set-up after the services failed. The steps before it are done and stay so. */
export class SetUpStepFailed extends MusterError {
  readonly code = 'service_start_failed';
  readonly retryable = true;
  constructor(step: string, reason: string, cause: unknown) {
    super(`The set-up is not complete, its step "${step}" failed: ${reason}`, { step }, { cause });
  }
}

/** Something that a working installation needs is missing. */
export class NotReady extends MusterError {
  readonly code = 'service_not_running';
  readonly retryable = true;
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

/** PostgreSQL's codes for a table, schema, column or role that is not there, or not allowed to the login yet. */
const SCHEMA_MISSING = new Set(['42P01', '3F000', '42703', '42704', '42501', '22023']);

/** What to say about anything that was thrown: one sentence that says what to do. */
export function describeFailure(error: unknown): FailureReport {
  if (error instanceof WrongUsage) return { code: error.code, message: error.message, exitCode: EXIT_WRONG_USAGE };
  if (error instanceof Interrupted || hasErrorCode(error)) {
    return { code: error.code, message: error.message, exitCode: EXIT_FAILED };
  }
  const { code, message } = describeForeign(error);
  return { code, message, exitCode: EXIT_FAILED };
}

function describeForeign(error: unknown): { code: FailureCode; message: string } {
  const code = foreignCode(error);
  const reason = errorClause(error);
  if (SCHEMA_MISSING.has(code)) {
    const message = `The database is not prepared for this version of Muster (${reason}). Run \`muster up\`, or \`muster migrate\` where the services are your own.`;
    return { code: 'schema_missing', message };
  }
  const fault = faultOf(error);
  if (isTransient(fault) || fault === 'login_refused') {
    const message = `A service does not answer (${reason}). \`muster status\` says which one, and what to do.`;
    return { code: 'service_unreachable', message };
  }
  const message = `Something unexpected failed: ${reason}. Set MUSTER_LOG_LEVEL=debug and run the command again to see where.`;
  return { code: 'unexpected', message };
}

/** The first code in the chain of causes; a connection that was tried on several addresses fails with a list. */
function foreignCode(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return foreignCode(error instanceof AggregateError ? error.errors[0] : error.cause);
}
