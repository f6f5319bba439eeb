import { isGrpcServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { errorMessage } from '../domain/errors.ts';

/** Why Temporal did not do what it was asked for. */
export interface Refusal {
  /** The name of the gRPC status. */
  readonly status: string;
  /** The words of the server, or of the network. */
  readonly detail: string;
  /**
   * Whether it concerns this one request, which will then be refused every time. Anything else concerns the
   * installation (a namespace, a permission, the load, the network), passes when that is repaired, and is no reason to
   * give up a task.
   */
  readonly isFinal: boolean;
}

/** The names of gRPC's status numbers. */
const STATUSES = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

/**
 * Statuses that concern the request itself. NOT_FOUND is not among them: for a workflow it is an answer with a class of
 * its own, and otherwise it concerns the namespace.
 */
const FINAL: readonly string[] = ['INVALID_ARGUMENT', 'OUT_OF_RANGE'];

const DEEPEST_CAUSE = 5;

/** Reads the refusal from an error of the SDK; null for any other error. */
export function refusalOf(error: unknown): Refusal | null {
  for (let at = error, depth = 0; at instanceof Error && depth < DEEPEST_CAUSE; at = at.cause, depth += 1) {
    if (at instanceof NamespaceNotFoundError) return { status: 'NOT_FOUND', detail: at.message, isFinal: false };
    if (!isGrpcServiceError(at)) continue;
    const status = STATUSES[at.code] ?? `status ${at.code}`;
    // A worker's connection has the server's words in the message, a client's in the details.
    return { status, detail: at.details || at.message, isFinal: FINAL.includes(status) };
  }
  return null;
}

/** An error for a log: its sentence, and Temporal's words if it came from Temporal. */
export function explain(error: unknown): string {
  const refusal = refusalOf(error);
  const sentence = errorMessage(error);
  if (refusal === null) return sentence;
  if (sentence.includes(refusal.detail)) return `${sentence} (${refusal.status})`;
  return `${sentence} (${refusal.status}: ${refusal.detail})`;
}
