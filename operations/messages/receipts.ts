import { isUuid } from '../../domain/ids.ts';
import { MessageRepository } from '../../entities/messaging/message-repository.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';

/** What became of a broadcast, agent by agent; nothing for an id that no broadcast has. */
export const broadcastReceipts = defineOperation({
  name: 'messages.receipts',
  summary: 'Shows what became of a broadcast, agent by agent.',
  effect: 'read',
  permission: 'messages:read',
  unit: 'tenant',
  input: { broadcastId: text() },
  async handle({ em }, { broadcastId }: { readonly broadcastId: string }) {
    return isUuid(broadcastId) ? new MessageRepository(em).receipts(broadcastId) : [];
  },
});
