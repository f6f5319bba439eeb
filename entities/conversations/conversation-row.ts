import { defineEntity, p } from '@mikro-orm/core';
import type { TenantId } from '../../domain/ids.ts';
import { createdAt, moment, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'Conversation',
  tableName: 'conversations',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    /** The caller's own name of it. */
    id: p.text().primary(),
    /** The graph of its last turn, which the next one has too unless it names another. */
    graphName: p.text(),
    /** Who began it; null where nobody was named. */
    userId: p.text().nullable(),
    /** The number of its last turn. */
    turnCount: p.integer().default(0),
    createdAt: createdAt(),
    updatedAt: moment().defaultRaw('now()'),
  },
  indexes: [
    {
      name: 'conversations_updated_index',
      columns: [{ name: 'tenantId' }, { name: 'updatedAt', sort: 'DESC' }],
      properties: ['tenantId', 'updatedAt'],
    },
  ],
});

/** A conversation: turns one after the other. A change of its turns locks its row first. */
export class Conversation extends schema.class {}
schema.setClass(Conversation);
