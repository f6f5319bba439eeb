import { z } from 'zod';
import { listOf, text } from '../../options/fields.ts';
import { id, payload, REQUEST_FIELDS, SEND_FIELDS, timeoutMs } from '../../options/message-options.ts';
import { defineOperation } from '../define.ts';
import type { Announcement, Intent, Question, Said } from './voice.ts';

const SAY = { effect: 'write', risk: 'external_write', permission: 'messages:send', unit: 'none' } as const;

/** A message's row is its record: no audit row repeats it. */
export const sendMessage = defineOperation({
  ...SAY,
  name: 'messages.send',
  summary: 'Sends a message to an agent, which gets it at least once.',
  input: { agent: text(), payload, ...SEND_FIELDS, id },
  handle: ({ caller, stores }, said: Said) => stores.voiceOf(caller.tenant).send(said),
});

export const requestAnswer = defineOperation({
  ...SAY,
  name: 'messages.request',
  summary: 'Asks an agent and waits for its answer.',
  input: { agent: text(), payload, ...REQUEST_FIELDS, id },
  handle: ({ caller, stores }, question: Question) => stores.voiceOf(caller.tenant).request(question),
});

export const broadcastMessage = defineOperation({
  ...SAY,
  name: 'messages.broadcast',
  summary: 'Sends a message to every agent that is alive.',
  input: { payload, ...SEND_FIELDS, id },
  handle: ({ caller, stores }, announcement: Announcement) => stores.voiceOf(caller.tenant).broadcast(announcement),
});

const intents = z.record(z.string(), listOf(text(), { max: 1_000, of: 'roles or names' }), {
  error: 'an object of lists',
});

export const directIntent = defineOperation({
  ...SAY,
  name: 'messages.direct',
  summary: 'Asks the agents that serve an intent and combines their answers.',
  input: { intent: text(), payload, timeoutMs, intents: intents.optional() },
  handle: ({ caller, stores }, intent: Intent) => stores.voiceOf(caller.tenant).direct(intent),
});
