import { isGrpcServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { errorMessage } from '../domain/errors.ts';

/** Why Temporal did not do what it was asked for. */
export interface Refusal {
  /** The name of the gRPC status. */
  readonly status: string;
  /** What the server says, or the network. */
  readonly detail: string;
  /**
   * Whether it is about this one request, which is then refused again however often it comes. Anything else is about the
   * installation (a namespace, a permission, the load, the network), passes when that is put right, and is no reason to
   * give a task up.
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
 * What is about the request itself. Not NOT_FOUND: the one of a workflow is an answer and has a class of its own, all
 * others are about the namespace.
 */
const FINAL: readonly string[] = ['INVALID_ARGUMENT', 'OUT_OF_RANGE'];

const DEEPEST_CAUSE = 5;

/** Reads a refusal out of an error of the SDK; null for an error of another origin. */
export function refusalOf(error: unknown): Refusal | null {
  for (let at = error, depth = 0; at instanceof Error && depth < DEEPEST_CAUSE; at = at.cause, depth += 1) {
    if (at instanceof NamespaceNotFoundError) return { status: 'NOT_FOUND', detail: at.message, isFinal: false };
    if (!isGrpcServiceError(at)) continue;
    const status = STATUSES[at.code] ?? `status ${at.code}`;
    // A worker's connection gives the server's words as the message, a client's as the details.
    return { status, detail: at.details || at.message, isFinal: FINAL.includes(status) };
  }
  return null;
}

/** An error for a log: its sentence, and what Temporal said where it was Temporal. */
export function explain(error: unknown): string {
  const refusal = refusalOf(error);
  const sentence = errorMessage(error);
  if (refusal === null) return sentence;
  if (sentence.includes(refusal.detail)) return `${sentence} (${refusal.status})`;
  return `${sentence} (${refusal.status}: ${refusal.detail})`;
}
