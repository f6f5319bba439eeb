import { defineEntity, p } from '@mikro-orm/core';
import type { RiskClass } from '../../domain/agents/risk.ts';
import type { TenantId } from '../../domain/ids.ts';
import type { EffectClass } from '../../domain/tools/governed-tool.ts';
import { moment, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'OfferedToolRow',
  tableName: 'offered_tools',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    name: p.text().primary(),
    /** Null for code of the worker. */
    source: p.text().nullable(),
    description: p.text(),
    risk: p.text().$type<RiskClass>(),
    effect: p.text().$type<EffectClass>(),
    timeoutMs: p.integer(),
    /** Of name, description and schema; null for code of the worker. */
    digest: p.text().nullable(),
    /** When a worker offered it last: at its start, or when it last asked the source. */
    offeredAt: moment().defaultRaw('now()'),
  },
});

/** A tool that workers offer to agents, as the last of them said. */
export class OfferedToolRow extends schema.class {}
schema.setClass(OfferedToolRow);
