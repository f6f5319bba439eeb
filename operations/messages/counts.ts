import { MessageRepository } from '../../entities/messaging/message-repository.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';

/** How many messages there are in each status: to one agent, or to all. */
export const countMessages = defineOperation({
  name: 'messages.counts',
  summary: 'Counts the messages in each status, to one agent or to all.',
  effect: 'read',
  permission: 'messages:read',
  unit: 'statement',
  input: { agent: text().optional() },
  handle: ({ em }, { agent = null }: { readonly agent?: string | null }) => new MessageRepository(em).counts(agent),
});
