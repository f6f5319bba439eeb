import { type AgentId, isTenantId, isUuid, type LeaseId, type MessageId, type TenantId, type TraceId } from '../ids.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { MESSAGE_PRIORITY_RANGE, MESSAGE_TYPES, type MessageType } from './message-status.ts';

/** The longest payload as JSON, in bytes of UTF-8. Larger content belongs in an artifact that the payload names. */
export const MAX_PAYLOAD_BYTES = 65_536;

/**
 * A message between agents, as it is signed and stored. Moments are texts in UTC with microseconds, so that the signed
 * text can be read back exactly.
 */
export interface Envelope {
  readonly id: MessageId;
  /** On whose behalf it is sent. */
  readonly tenant: TenantId;
  /** Null for a program that is not an agent. */
  readonly from: AgentId | null;
  /** Null for the answer to a program that is not an agent. */
  readonly to: AgentId | null;
  /** When it was sent, by the database's clock as its sender knows it. Grows strictly with `seq`. */
  readonly timestamp: string;
  readonly type: MessageType;
  readonly payload: JsonObject;
  /** 1 (critical) to 4 (low). */
  readonly priority: number;
  readonly requiresResponse: boolean;
  /** The same in a request and in its answer. */
  readonly correlationId: string | null;
  /** After this moment it is no longer delivered. */
  readonly expiresAt: string | null;
  /** The lease of its sender. */
  readonly leaseId: LeaseId;
  /** Its number among the messages of that lease, from 1. */
  readonly seq: number;
  /** The message whose handling sent this one. */
  readonly causeId: MessageId | null;
  /** The same in all receipts of one broadcast. */
  readonly broadcastId: string | null;
  /** The trace whose node sent it. */
  readonly traceId: TraceId | null;
}

/** A message with its sender's signature, Ed25519 in base64. */
export interface SignedEnvelope extends Envelope {
  readonly signature: string;
}

export type ParsedEnvelope =
  | { readonly ok: true; readonly envelope: SignedEnvelope }
  | { readonly ok: false; readonly faults: readonly string[] };

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** Reads a stored message, which anybody with access to the database may have written. Returns every fault at once. */
export function parseEnvelope(raw: Readonly<Record<keyof SignedEnvelope, unknown>>): ParsedEnvelope {
  const faults = FIELDS.filter(([field, , holds]) => !holds(raw[field])).map(
    ([field, expected]) => `${field} is not ${expected}.`,
  );
  if (faults.length > 0) return { ok: false, faults };
  // Each field has just been checked.
  return { ok: true, envelope: raw as unknown as SignedEnvelope };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isId = (value: unknown) => isText(value) && isUuid(value);
const isIdOrNull = (value: unknown) => value === null || isId(value);
const isMoment = (value: unknown) => isText(value) && MOMENT.test(value);
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

const FIELDS: readonly (readonly [keyof SignedEnvelope, string, (value: unknown) => boolean])[] = [
  ['id', 'a UUID', isId],
  ['tenant', 'a tenant id', (value) => isText(value) && isTenantId(value)],
  ['from', 'a UUID or null', isIdOrNull],
  ['to', 'a UUID or null', isIdOrNull],
  ['timestamp', 'a moment', isMoment],
  ['type', 'a known type', (value) => (MESSAGE_TYPES as readonly unknown[]).includes(value)],
  ['payload', 'an object', isJsonObject],
  ['priority', 'from 1 to 4', isPriority],
  ['requiresResponse', 'true or false', (value) => typeof value === 'boolean'],
  ['correlationId', 'a UUID or null', isIdOrNull],
  ['expiresAt', 'a moment or null', (value) => value === null || isMoment(value)],
  ['leaseId', 'a UUID: it was not sent under a lease', isId],
  ['seq', 'a whole number from 1 on', (value) => isWhole(value) && value >= 1],
  ['causeId', 'a UUID or null', isIdOrNull],
  ['broadcastId', 'a UUID or null', isIdOrNull],
  ['traceId', 'a UUID or null', isIdOrNull],
  ['signature', 'text: it is not signed', (value) => isText(value) && value !== ''],
];

function isPriority(value: unknown): value is number {
  return isWhole(value) && value >= MESSAGE_PRIORITY_RANGE.min && value <= MESSAGE_PRIORITY_RANGE.max;
}
