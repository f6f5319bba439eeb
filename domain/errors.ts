import { readSafely, thrownText } from './thrown-text.ts';

/** The stable codes of all errors of Muster. A code is never reused; each has its row in docs/errors.md. */
export const ERROR_CODES = [
  'config_invalid',
  'node_too_old',
  'service_not_running',
  'service_start_failed',
  'folder_unusable',
  'service_unreachable',
  'migration_refused',
  'schema_drift',
  'graph_invalid',
  'graph_unknown',
  'graph_version_unknown',
  'graph_exists',
  'template_unknown',
  'option_invalid',
  'permission_denied',
  'input_invalid',
  'input_too_large',
  'input_unreadable',
  'idempotency_conflict',
  'task_unknown',
  'trace_pruned',
  'trace_unknown',
  'trace_not_ended',
  'import_invalid',
  'task_not_open',
  'task_failed',
  'task_cancelled',
  'task_killed',
  'start_refused',
  'handler_unknown',
  'handler_input_invalid',
  'handler_output_invalid',
  'handler_failed',
  'handler_timed_out',
  'handler_crashed',
  'heartbeat_missed',
  'event_loop_blocked',
  'rounds_exhausted',
  'function_failed',
  'output_unparsable',
  'guardrail_blocked',
  'container_stopped',
  'handler_call_invalid',
  'limit_wait_exceeded',
  'handler_cancelled',
  'effect_in_doubt',
  'effect_not_in_doubt',
  'effect_conflict',
  'effect_result_invalid',
  'stale_fence',
  'stored_row_invalid',
  'agents_module_invalid',
  'handler_definition_invalid',
  'transaction_timed_out',
  'database_overloaded',
  'database_read_only',
  'write_refused',
  'settings_invalid',
  'dependency_failed',
  'deadline_exceeded',
  'task_not_dead',
  'rate_limited',
  'redis_evicts',
  'agent_unknown',
  'lease_lost',
  'message_invalid',
  'message_unknown',
  'request_timed_out',
  'request_failed',
  'agents_wait_in_circle',
  'message_chain_too_long',
  'worker_stop_incomplete',
  'secret_key_missing',
  'secret_unreadable',
  'model_settings_invalid',
  'script_not_played',
  'model_unknown',
  'model_key_missing',
  'model_refused',
  'model_unavailable',
  'tool_settings_invalid',
  'tool_source_unavailable',
  'tool_source_lost',
  'grant_unknown',
  'approval_unknown',
  'approval_closed',
  'approval_refused',
  'approval_rejected',
  'approval_expired',
  'wait_expired',
  'wait_unusable',
  'child_failed',
  'child_too_deep',
  'answer_invalid',
  'nothing_asked',
  'budget_exhausted',
  'budget_unknown',
  'steps_exhausted',
  'output_invalid',
  'model_call_in_doubt',
  'conversation_unknown',
  'conversation_busy',
  'turn_definition_invalid',
  'eval_definition_invalid',
  'eval_unknown',
  'scorer_failed',
  'score_missing',
  'score_too_low',
  'handoff_cycle',
  'handoff_unknown',
  'fork_point_unknown',
  'consent_required',
] as const;
/** The code of an error, which survives a process, a retry and a workflow. `docs/errors.md` has a row for each. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Facts of an error: small JSON values that survive a process boundary. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null>>;

/**
 * The base of all errors of Muster. Match on `code`, never on the class or the text: only the code survives Temporal
 * and the database.
 */
export abstract class MusterError extends Error {
  abstract readonly code: ErrorCode;
  /** Whether repeating the same call can help. Fixed by the class. @defaultValue false */
  readonly retryable: boolean = false;
  readonly facts: ErrorFacts;

  constructor(message: string, facts: ErrorFacts = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.facts = facts;
  }
}

/** True for anything that carries a Muster error code, whichever process raised it. */
export function hasErrorCode(error: unknown): error is { code: ErrorCode; message: string } {
  return typeof error === 'object' && (ERROR_CODES as readonly unknown[]).includes(readSafely(error, 'code'));
}

/**
 * Whether an error is one of Muster's and would occur at every repetition. A connection that this program closed does
 * not count: it says nothing about the request.
 */
export function isFinalError(error: unknown): error is MusterError {
  return error instanceof MusterError && !error.retryable && error.code !== 'service_unreachable';
}

const OUTAGE_CODES: readonly ErrorCode[] = [
  'service_unreachable',
  'transaction_timed_out',
  'database_overloaded',
  'database_read_only',
];

/**
 * Whether an error means that a store is unavailable to everybody: the same request may succeed later, and other
 * requests would fail now. False for a connection that this program closed.
 */
export function isStoreOutage(error: unknown): boolean {
  return hasErrorCode(error) && OUTAGE_CODES.includes(error.code) && readSafely(error, 'retryable') !== false;
}

/** The sentence of anything that was thrown: see {@link thrownText}. Never empty, never throws. */
export function errorMessage(error: unknown): string {
  return thrownText(error);
}

/** The same without its last full stop, for use inside another sentence. */
export function errorClause(error: unknown): string {
  return errorMessage(error).trim().replace(/\.$/, '');
}
