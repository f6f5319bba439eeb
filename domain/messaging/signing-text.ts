import { canonicalJson, type JsonObject } from '../json.ts';
import type { Envelope } from './envelope.ts';

/** Changes with every change of what is signed or how, so that a signature has only one meaning. */
const VERSION = 'muster-message-1';

/** The text of a payload that is hashed with SHA-256 for {@link signingText}; the order of its keys does not matter. */
export function payloadText(payload: JsonObject): string {
  return canonicalJson(payload);
}

/**
 * The text that a sender signs: the version, then every field in a fixed order with its length before it, so that no
 * two messages have the same text. The payload is represented by its hash.
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

/** A missing value differs from the empty text. */
function prefixed(field: string | null): string {
  return field === null ? '-:' : `${field.length}:${field}`;
}

/**
 * A moment with microseconds, as messages carry it: `2026-11-22T10:00:00.000001Z`. PostgreSQL stores nothing finer.
 * @param microseconds since 1970, a whole number
 */
export function formatMoment(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1_000);
  const rest = String(microseconds - milliseconds * 1_000).padStart(3, '0');
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${rest}Z`;
}

/** The inverse: microseconds since 1970. */
export function parseMoment(text: string): number {
  return Date.parse(`${text.slice(0, 23)}Z`) * 1_000 + Number(text.slice(23, 26));
}
