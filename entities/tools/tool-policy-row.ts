import { defineEntity, p } from '@mikro-orm/core';
import type { TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { moment, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'ToolPolicyRow',
  tableName: 'tool_policies',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    /** Grows with each change of the document or of a grant. */
    version: p.integer().check('version > 0'),
    /** Merged over the policy that ships; null for none. Readers parse it. */
    document: p.json<Json>().nullable(),
    changedBy: p.text(),
    changedAt: moment().defaultRaw('now()'),
  },
});

/** What a tenant rules about tools. A tenant without a row has the policy that ships, version 0. */
export class ToolPolicyRow extends schema.class {}
schema.setClass(ToolPolicyRow);
