import { defineEntity, p } from '@mikro-orm/core';
import type { InputMapping } from '../../domain/graphs/definition.ts';
import { GRAPH_STATUSES, WIDTH_LIMITS } from '../../domain/graphs/kinds.ts';
import type { GraphId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { within } from '../checks.ts';
import { createdAt, keyOf, moment, tenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'AgentGraph',
  tableName: 'agent_graphs',
  properties: {
    id: p.uuid().$type<GraphId>().primary(),
    tenantId: tenantId().$type<TenantId>(),
    name: p.string().length(255),
    /** Counts the definitions of one name, from 1. */
    version: p.integer().check('version > 0'),
    status: p.enum(GRAPH_STATUSES).default('draft'),
    description: p.text().default(''),
    /** The version of the definition's own shape, not of the graph. */
    schemaVersion: p.text(),
    width: p.integer().check(within('width', WIDTH_LIMITS)),
    inputSchema: p.json<JsonObject>().nullable(),
    documentProperty: p.text().nullable(),
    output: p.json<InputMapping>(),
    definitionHash: p.text(),
    taskQueue: p.text(),
    createdAt: createdAt(),
    /** When it was first active; null for one that never was. */
    publishedAt: moment().nullable(),
    /** What it was made from. */
    metadata: p.json<JsonObject>().defaultRaw("'{}'"),
  },
  uniques: [
    { name: 'agent_graphs_tenant_id_unique', properties: ['tenantId', 'id'] },
    { name: 'agent_graphs_tenant_name_version_unique', properties: ['tenantId', 'name', 'version'] },
    { name: 'agent_graphs_active_unique', properties: ['tenantId', 'name'], where: "status = 'active'" },
  ],
  checks: [
    {
      name: 'agent_graphs_published_check',
      expression:
        "case status when 'draft' then published_at is null when 'active' then published_at is not null else true end",
    },
  ],
});

/** A versioned graph of nodes, kept as rows. Once it was active only its status and its task queue may change. */
export class AgentGraph extends schema.class {}
schema.setClass(AgentGraph);

/** The graph of a row that belongs to it, and goes with it; a foreign key of two columns holds its tenant too. */
export const graphId = () => keyOf(AgentGraph, 'graph_id').$type<GraphId>();
