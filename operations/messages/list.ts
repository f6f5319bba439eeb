import { MESSAGE_STATUSES, MESSAGE_TYPES } from '../../domain/messaging/message-status.ts';
import { type MessageFilter, MessageRepository } from '../../entities/messaging/message-repository.ts';
import { oneOf, text, wholeNumber } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { id } from './message-fields.ts';

/** The newest messages first: all, or those from or to one agent, or in one status. */
export const listMessages = defineOperation({
  name: 'messages.list',
  summary: 'Lists messages, the newest first.',
  effect: 'read',
  permission: 'messages:read',
  unit: 'statement',
  input: {
    id,
    agent: text().optional(),
    status: oneOf(MESSAGE_STATUSES).optional(),
    type: oneOf(MESSAGE_TYPES).optional(),
    broadcastId: id,
    correlationId: id,
    limit: wholeNumber({ min: 1, max: 1_000 }).optional(),
  },
  handle: ({ em }, { limit = 50, ...filter }: Partial<MessageFilter>) =>
    new MessageRepository(em).list({ ...filter, limit }),
});
