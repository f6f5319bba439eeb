import { defineEntity, p } from '@mikro-orm/core';
import type { TenantId } from '../../domain/ids.ts';

const schema = defineEntity({
  name: 'Tenant',
  tableName: 'tenants',
  properties: {
    id: p.text().$type<TenantId>().primary().check("id ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'"),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
});

/** An isolation boundary: a guild, an organisation. */
export class Tenant extends schema.class {}
schema.setClass(Tenant);
