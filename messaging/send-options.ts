import type { z } from 'zod';
import { MESSAGE_PRIORITY_RANGE } from '../domain/messaging/message-status.ts';
import { type RequestOptions, SENDABLE_TYPES, type SendOptions } from '../domain/messaging/received-message.ts';
import { numberFrom, objectWith, oneOf, text, wholeNumber } from '../options/fields.ts';
import { argumentOf, optionsOf } from '../options/parse-options.ts';

/** How the options of messages are read, for nodes, agents and programs alike. */

const LONGEST_TIMEOUT_MS = 3_600_000;
const LONGEST_LIFE_MS = 30 * 86_400_000;

const HEAD = {
  type: oneOf(SENDABLE_TYPES).optional(),
  priority: wholeNumber(MESSAGE_PRIORITY_RANGE).optional() as z.ZodType<SendOptions['priority']>,
};

export const SEND_FIELDS = { ...HEAD, expiresInMs: numberFrom(1, LONGEST_LIFE_MS).optional() };
export const timeoutMs = numberFrom(1, LONGEST_TIMEOUT_MS).optional();
export const REQUEST_FIELDS = { ...HEAD, timeoutMs };

export const sendOptions = optionsOf<SendOptions>('send', SEND_FIELDS);
export const broadcastOptions = optionsOf<SendOptions>('broadcast', SEND_FIELDS);
export const requestOptions = optionsOf<RequestOptions & { signal?: AbortSignal }>('request', {
  ...REQUEST_FIELDS,
  signal: objectWith<AbortSignal>('an AbortSignal', { addEventListener: 'function' }).optional(),
});
/** Of what no agent has is said which agents there are. */
export const recipient = argumentOf('send', 'to', text());
