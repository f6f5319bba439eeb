import { defineEntity, p } from '@mikro-orm/core';
import type { TenantId } from '../../domain/ids.ts';
import { moment, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'ProviderKey',
  tableName: 'provider_keys',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    /** Empty for the key of the whole tenant. */
    userId: p.text().default('').primary(),
    provider: p.text().primary(),
    /** Encrypted. */
    secret: p.text(),
    updatedAt: moment().defaultRaw('now()'),
  },
  checks: [{ name: 'provider_keys_secret_check', expression: "starts_with(secret, 'enc:v1:')" }],
});

/** The key of a user or a tenant for a provider of models. */
export class ProviderKey extends schema.class {}
schema.setClass(ProviderKey);
