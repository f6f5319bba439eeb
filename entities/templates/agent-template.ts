import { defineEntity, p } from '@mikro-orm/core';
import type { TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { moment, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'AgentTemplate',
  tableName: 'agent_templates',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    name: p.text().primary(),
    /** Counts its changes, from 1. */
    revision: p.integer().default(1),
    description: p.text().default(''),
    category: p.text().default(''),
    tags: p.array().$type<readonly string[]>().default([]),
    /** The graph, as a document says it. */
    document: p.json<JsonObject>().columnType('json'),
    /** How many graphs were made from it. */
    uses: p.integer().default(0),
    updatedAt: moment().defaultRaw('now()'),
  },
});

/** A whole graph that graphs are made from, by its name. */
export class AgentTemplate extends schema.class {}
schema.setClass(AgentTemplate);
