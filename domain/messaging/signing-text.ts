import { canonicalJson } from '../canonical-json.ts';
import type { JsonObject } from '../json.ts';
import type { Envelope } from './envelope.ts';

/** Changes with every change of what is signed or how, so that no signature is ever read in two ways. */
const VERSION = 'muster-message-1';

/** The text of a payload that is hashed with SHA-256 for {@link signingText}; the order of its keys does not matter. */
export function payloadText(payload: JsonObject): string {
  return canonicalJson(payload);
}

/**
 * What a sender signs: the version, then every field in a fixed order, each with its length before it, so that no two
 * messages have one text. The payload stands for itself by its hash.
 *
 * @param payloadHash SHA-256 of {@link payloadText}, in hexadecimal
 */
export function signingText(message: Envelope, payloadHash: string): string {
  const fields = [
    message.id,
    message.tenant,
    message.leaseId,
    String(message.seq),
    message.from,
    message.to,
    message.timestamp,
    message.type,
    payloadHash,
    String(message.priority),
    String(message.requiresResponse),
    message.correlationId,
    message.expiresAt,
    message.causeId,
    message.broadcastId,
    message.traceId,
  ];
  return [VERSION, ...fields].map(prefixed).join('');
}

/** Nothing is told apart from the empty text. */
function prefixed(field: string | null): string {
  return field === null ? '-:' : `${field.length}:${field}`;
}
