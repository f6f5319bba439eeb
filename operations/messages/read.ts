import { isUuid } from '../../domain/ids.ts';
import { MESSAGE_STATUSES, MESSAGE_TYPES } from '../../domain/messaging/message-status.ts';
import { type MessageFilter, MessageRepository } from '../../entities/messaging/message-repository.ts';
import { oneOf, text, wholeNumber } from '../../options/fields.ts';
import { id } from '../../options/message-options.ts';
import { defineOperation } from '../define.ts';

export const listMessages = defineOperation({
  name: 'messages.list',
  summary: 'Lists messages, the newest first.',
  effect: 'read',
  risk: 'data_exfiltration_risk',
  permission: 'messages:read',
  unit: 'statement',
  input: {
    id,
    agent: text().optional(),
    status: oneOf(MESSAGE_STATUSES).optional(),
    type: oneOf(MESSAGE_TYPES).optional(),
    broadcastId: id,
    correlationId: id,
    traceId: id,
    limit: wholeNumber({ min: 1, max: 1_000 }).optional(),
  },
  handle: ({ em }, { limit = 50, ...filter }: Partial<MessageFilter>) =>
    new MessageRepository(em).list({ ...filter, limit }),
});

export const countMessages = defineOperation({
  name: 'messages.counts',
  summary: 'Counts the messages in each status, to one agent or to all.',
  effect: 'read',
  risk: 'read_only',
  permission: 'messages:read',
  unit: 'statement',
  input: { agent: text().optional() },
  handle: ({ em }, { agent }: { readonly agent?: string }) => new MessageRepository(em).counts(agent),
});

/** Nothing for an id that no broadcast has. */
export const broadcastReceipts = defineOperation({
  name: 'messages.receipts',
  summary: 'Shows what became of a broadcast, agent by agent.',
  effect: 'read',
  risk: 'read_only',
  permission: 'messages:read',
  unit: 'tenant',
  input: { broadcastId: text() },
  async handle({ em }, { broadcastId }: { readonly broadcastId: string }) {
    return isUuid(broadcastId) ? new MessageRepository(em).receipts(broadcastId) : [];
  },
});
