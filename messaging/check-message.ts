import { SYSTEM_TENANT } from '../domain/ids.ts';
import { isJsonObject, type JsonObject, notJson, toJson } from '../domain/json.ts';
import { MAX_PAYLOAD_BYTES, parseEnvelope, type SignedEnvelope } from '../domain/messaging/envelope.ts';
import type { SenderLease, StoredMessage } from '../entities/messaging/stored-message.ts';
import { isSignedBy } from './signatures.ts';

/** A message that may be handled, or why it may not. */
export type CheckedMessage =
  | { readonly ok: true; readonly envelope: SignedEnvelope }
  | { readonly ok: false; readonly reason: string };

/**
 * Holds a stored message to its signature and to its sender's lease. The row may have been written by anybody who got
 * into the database: what counts is what the holder of the lease's key signed.
 */
export function checkMessage(message: StoredMessage): CheckedMessage {
  const parsed = parseEnvelope(message.raw);
  if (!parsed.ok) return refused(`it is malformed: ${parsed.faults.join(' ')}`);
  if (message.lease === null) return refused('its lease is unknown');
  const reason = leaseFault(parsed.envelope, message.lease) ?? replayFault(message);
  return reason === null ? { ok: true, envelope: parsed.envelope } : refused(reason);
}

function leaseFault(envelope: SignedEnvelope, lease: SenderLease): string | null {
  if (lease.tenant !== envelope.tenant && lease.tenant !== SYSTEM_TENANT) return 'its lease is of another tenant';
  if (envelope.from !== null && !lease.agentIds.includes(envelope.from)) return 'its lease is not its sender’s';
  // Moments as texts of one form sort as the moments do.
  if (envelope.timestamp < lease.grantedAt) return 'it was sent before its lease began';
  if (lease.endedAt !== null && envelope.timestamp >= lease.endedAt) return 'it was sent after its lease had ended';
  if (!isSignedBy(lease.publicKey, envelope)) return 'its signature is not its sender’s, or it was altered';
  return null;
}

function replayFault(message: StoredMessage): string | null {
  const isAnswer = message.raw.type === 'response' || message.raw.type === 'error';
  return message.processedAt !== null && !isAnswer ? 'it was handled before' : null;
}

function refused(reason: string): CheckedMessage {
  return { ok: false, reason };
}

/** The payload as its JSON, which is signed, stored and read; or a text that says what is wrong with it. */
export function asPayload(value: unknown): JsonObject | string {
  const json = toJson(value);
  if (!json.ok) return `expected an object that can be written as JSON as its payload: ${notJson(json)}`;
  const bytes = Buffer.byteLength(JSON.stringify(json.value));
  if (bytes > MAX_PAYLOAD_BYTES) {
    return (
      `its payload has ${bytes} bytes and may have ${MAX_PAYLOAD_BYTES}. Store what is large, as an artifact for ` +
      'example, and send where it is.'
    );
  }
  return isJsonObject(json.value) ? json.value : 'expected an object as its payload.';
}
