import { defineEntity, p } from '@mikro-orm/core';
import type { TenantId } from '../../domain/ids.ts';
import { moment, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'ToolSourceRow',
  tableName: 'tool_sources',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    name: p.text().primary(),
    state: p.enum(['ready', 'unavailable'] as const),
    /** Why it is unavailable. */
    fault: p.text().nullable(),
    /** The revision of the protocol that was agreed on. */
    protocol: p.text().nullable(),
    /** The worker that said so. */
    process: p.text(),
    checkedAt: moment().defaultRaw('now()'),
  },
});

/** How a source of tools did when a worker last used it. */
export class ToolSourceRow extends schema.class {}
schema.setClass(ToolSourceRow);
