import { defineEntity, p } from '@mikro-orm/core';
import type { TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { createdAt, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'OperationKey',
  tableName: 'operation_keys',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    operation: p.text().primary(),
    key: p.text().primary(),
    /** Of the input: another input under the same key is refused. */
    requestHash: p.text(),
    /** Null until the call's own transaction has written it, which nobody else sees before it commits. */
    answer: p.json<Json>().nullable(),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'operation_keys_created_index', properties: ['createdAt'] }],
});

/** What a call under an idempotency key was answered. */
export class OperationKey extends schema.class {}
schema.setClass(OperationKey);
