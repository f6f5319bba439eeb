import { defineEntity, p } from '@mikro-orm/core';
import type { Outcomes } from '../../domain/canaries/canary.ts';
import type { TenantId } from '../../domain/ids.ts';
import { moment, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'CanaryRow',
  tableName: 'canaries',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    name: p.text().primary(),
    outcomes: p.text().$type<Outcomes>().default('').check("length(outcomes) <= 1000 and outcomes ~ '^[01]*$'"),
    /** Until when it is closed; null where it never was. */
    cooldownUntil: moment().nullable(),
    updatedAt: moment().defaultRaw('now()'),
  },
});

/** The last outcomes of a canary, which decide whether it stays open. */
export class CanaryRow extends schema.class {}
schema.setClass(CanaryRow);
