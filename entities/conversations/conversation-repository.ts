import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TenantId } from '../../domain/ids.ts';
import { now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { Conversation } from './conversation-row.ts';

/** Names a conversation. */
export interface ConversationKey {
  readonly tenantId: TenantId;
  readonly conversationId: string;
}

/** A conversation as it is shown. */
export type ConversationRecord = Pick<
  Conversation,
  'tenantId' | 'id' | 'graphName' | 'turnCount' | 'createdAt' | 'updatedAt'
> & { readonly userId: string | null };

const SHOWN = ['tenantId', 'id', 'graphName', 'userId', 'turnCount', 'createdAt', 'updatedAt'] as const;

/** Conversations, their turns apart. Works in units of work of their tenant and of the system. */
export class ConversationRepository extends Repository {
  /** Makes a conversation known. One that is known stays as it is. */
  async ensure(conversation: Pick<ConversationRecord, 'tenantId' | 'id' | 'graphName' | 'userId'>): Promise<void> {
    await this.em
      .createQueryBuilder(Conversation)
      .insert(conversation)
      .onConflict(['tenantId', 'id'])
      .ignore()
      .execute('run', false);
  }

  /** The conversation under the lock of its row, which every change of its turns needs. */
  async lock(key: ConversationKey): Promise<ConversationRecord | null> {
    return (await shown(this.em, key).forUpdate().executeTakeFirst()) ?? null;
  }

  async find(key: ConversationKey): Promise<ConversationRecord | null> {
    return (await shown(this.em, key).executeTakeFirst()) ?? null;
  }

  /** Writes what an input changes. */
  async note(
    { tenantId, conversationId: id }: ConversationKey,
    change: Pick<ConversationRecord, 'graphName' | 'turnCount'>,
  ): Promise<void> {
    await tables(this.em)
      .updateTable('conversations')
      .set({ ...change, updatedAt: now() })
      .where('tenantId', '=', tenantId)
      .where('id', '=', id)
      .execute();
  }

  /** Those that were spoken in last, at most `limit`. By conversations_updated_index. */
  list(tenantId: TenantId, limit: number): Promise<ConversationRecord[]> {
    return tables(this.em)
      .selectFrom('conversations')
      .select(SHOWN)
      .where('tenantId', '=', tenantId)
      .orderBy('updatedAt', 'desc')
      .limit(limit)
      .execute();
  }
}

function shown(em: SqlEntityManager, { tenantId, conversationId }: ConversationKey) {
  return tables(em)
    .selectFrom('conversations')
    .select(SHOWN)
    .where('tenantId', '=', tenantId)
    .where('id', '=', conversationId);
}
