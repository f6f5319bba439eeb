import type { RequestOptions, SendOptions } from '../../domain/messaging/received-message.ts';
import { REQUEST_FIELDS, SEND_FIELDS } from '../../messaging/send-options.ts';
import { defineOperation } from '../define.ts';
import { id, payload, recipient, split } from './message-fields.ts';
import type { Said } from './voice.ts';

/**
 * Stores a message for an agent and wakes it up. Its row is its record: no audit row repeats it.
 * @throws AgentUnknown, MessageInvalid
 */
export const sendMessage = defineOperation({
  name: 'messages.send',
  summary: 'Sends a message to an agent, which gets it at least once.',
  effect: 'write',
  permission: 'messages:send',
  unit: 'none',
  input: { agent: recipient, payload, ...SEND_FIELDS, id },
  handle({ caller, stores }, { agent, ...rest }: Said & SendOptions) {
    const { said, options } = split(rest);
    return stores.voiceOf(caller.tenant).send({ agent, ...said }, options);
  },
});

/**
 * Asks an agent and waits for its answer, 10 s by default.
 * @throws RequestTimedOut, RequestFailed, AgentUnknown, MessageInvalid
 */
export const requestAnswer = defineOperation({
  name: 'messages.request',
  summary: 'Asks an agent and waits for its answer.',
  effect: 'write',
  permission: 'messages:send',
  unit: 'none',
  input: { agent: recipient, payload, ...REQUEST_FIELDS, id },
  handle({ caller, stores }, { agent, ...rest }: Said & RequestOptions) {
    const { said, options } = split(rest);
    return stores.voiceOf(caller.tenant).request({ agent, ...said }, options);
  },
});

/** Sends to every agent that is alive and takes messages: one receipt each. @throws MessageInvalid */
export const broadcastMessage = defineOperation({
  name: 'messages.broadcast',
  summary: 'Sends a message to every agent that is alive.',
  effect: 'write',
  permission: 'messages:send',
  unit: 'none',
  input: { payload, ...SEND_FIELDS, id },
  handle({ caller, stores }, input: Omit<Said, 'agent'> & SendOptions) {
    const { said, options } = split(input);
    return stores.voiceOf(caller.tenant).broadcast(said, options);
  },
});
