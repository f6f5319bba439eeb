import { defineEntity, p } from '@mikro-orm/core';
import type { TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { createdAt, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_log',
  properties: {
    id: p.uuid().primary(),
    tenantId: plainTenantId().$type<TenantId>(),
    actor: p.text(),
    action: p.text(),
    subjectType: p.text(),
    subjectId: p.text(),
    details: p.json<JsonObject>().defaultRaw("'{}'"),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'audit_log_tenant_index', properties: ['tenantId', 'createdAt'] }],
});

/** Who did what to which row. Rows are only added: the database refuses every caller to change or remove one. */
export class AuditEntry extends schema.class {}
schema.setClass(AuditEntry);
