import { z } from 'zod';
import type { JsonObject } from '../domain/json.ts';
import { MESSAGE_PRIORITY_RANGE } from '../domain/messaging/message-status.ts';
import { type RequestOptions, SENDABLE_TYPES, type SendOptions } from '../domain/messaging/received-message.ts';
import { numberFrom, oneOf, text, uuid, wholeNumber } from './fields.ts';
import { argumentOf, optionsOf } from './parse-options.ts';

/** How messages and their options are read: those of handlers here, those of operations by the same fields. */

const LONGEST_TIMEOUT_MS = 3_600_000;
const LONGEST_LIFE_MS = 30 * 86_400_000;

const HEAD = {
  type: oneOf(SENDABLE_TYPES).optional(),
  priority: wholeNumber(MESSAGE_PRIORITY_RANGE).optional() as z.ZodType<SendOptions['priority']>,
};

export const SEND_FIELDS = { ...HEAD, expiresInMs: numberFrom(1, LONGEST_LIFE_MS).optional() };
export const timeoutMs = numberFrom(1, LONGEST_TIMEOUT_MS).optional();
export const REQUEST_FIELDS = { ...HEAD, timeoutMs };
export const id = uuid.optional();
/** Any value: the check of the message says more about what is wrong with it. */
export const payload = z.unknown().optional() as unknown as z.ZodType<JsonObject>;

export const sendOptions = optionsOf<SendOptions>('send', SEND_FIELDS);
export const broadcastOptions = optionsOf<SendOptions>('broadcast', SEND_FIELDS);
export const requestOptions = optionsOf<RequestOptions>('request', REQUEST_FIELDS);
export const recipient = argumentOf('send', 'to', text());
