import type { HandlerLog } from '../../domain/agents/handler-log.ts';
import type { Receive, RequestOptions, SendOptions } from '../../domain/messaging/received-message.ts';
import { REQUEST_FIELDS, SEND_FIELDS } from '../../messaging/send-options.ts';
import type { WithId } from '../../operations/messages/voice.ts';
import { definedName, functionField, listOf, objectWith, text, uuid } from '../../options/fields.ts';
import { argumentOf, optionsOf } from '../../options/parse-options.ts';
import type { ConnectAgentOptions } from '../connect-agent.ts';
import { CONNECT_FIELDS } from './connect-options.ts';

/** How the options of messages and of agents in programs are read. */

const id = uuid.optional();

export const sendOptions = optionsOf<SendOptions & WithId>('send', { ...SEND_FIELDS, id });
export const requestOptions = optionsOf<RequestOptions & WithId>('request', { ...REQUEST_FIELDS, id });
export const broadcastOptions = optionsOf<SendOptions & WithId>('broadcast', { ...SEND_FIELDS, id });

const words = listOf(definedName, { max: 20, of: 'words made like a name' }).optional();

export const agentName = argumentOf('connectAgent', 'name', definedName);
export const connectAgentOptions = optionsOf<ConnectAgentOptions>('connectAgent', {
  ...CONNECT_FIELDS,
  receive: functionField<Receive>('a function').optional(),
  roles: words,
  capabilities: words,
  description: text({ min: 0, max: 1_000 }).optional(),
  log: objectWith<HandlerLog>('a log with the methods info and warn', {
    info: 'function',
    warn: 'function',
  }).optional(),
});
