import { z } from 'zod';
import type { JsonObject } from '../../domain/json.ts';
import type { DirectOptions } from '../../messaging/director.ts';
import { timeoutMs } from '../../messaging/send-options.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { payload } from './message-fields.ts';

export interface DirectInput extends DirectOptions {
  readonly intent: string;
  readonly payload: JsonObject;
}

/**
 * Asks the agents that stand for an intent, and puts together what comes back in time; those who are missing are named.
 * @throws MessageInvalid for an unknown intent
 */
export const directIntent = defineOperation({
  name: 'messages.direct',
  summary: 'Asks the agents that stand for an intent and puts their answers together.',
  effect: 'write',
  permission: 'messages:send',
  unit: 'none',
  // What the intents stand for is the director's to read.
  input: { intent: text(), payload, timeoutMs, intents: z.unknown().optional() as z.ZodType<DirectOptions['intents']> },
  handle: ({ caller, stores }, input: DirectInput) => stores.voiceOf(caller.tenant).direct(input),
});
