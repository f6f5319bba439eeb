import { defineEntity, p } from '@mikro-orm/core';
import { CONNECTION_TYPES, OUTCOMES } from '../../domain/graphs/kinds.ts';
import type { TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { keyOf, plainTenantId } from '../columns.ts';
import { AgentComponent } from './agent-component.ts';
import { graphId } from './agent-graph.ts';

/** The foreign keys of both ends hold the graph too, so that no arrow leaves its graph: see the migration. */
const end = (column: string) => keyOf(AgentComponent, column).$type<string>();

const schema = defineEntity({
  name: 'ComponentConnection',
  tableName: 'component_connections',
  properties: {
    id: p.uuid().primary(),
    tenantId: plainTenantId().$type<TenantId>(),
    graphId,
    sourceComponentId: () => end('source_component_id'),
    targetComponentId: () => end('target_component_id'),
    connectionType: p.enum(CONNECTION_TYPES),
    required: p.boolean().default(true),
    /** With which outcome of a condition this arrow is followed. */
    outcome: p.enum(OUTCOMES).nullable(),
    metadata: p.json<JsonObject>().defaultRaw("'{}'"),
  },
  uniques: [{ name: 'component_connections_ends_unique', properties: ['sourceComponentId', 'targetComponentId'] }],
  indexes: [
    { name: 'component_connections_graph_index', properties: ['graphId', 'sourceComponentId'] },
    { name: 'component_connections_target_index', properties: ['graphId', 'targetComponentId'] },
  ],
  checks: [
    { name: 'component_connections_ends_check', expression: 'source_component_id <> target_component_id' },
    {
      name: 'component_connections_condition_check',
      expression: "(connection_type = 'condition') = (outcome is not null)",
    },
  ],
});

/** An arrow of a graph: the target waits for the source. */
export class ComponentConnection extends schema.class {}
schema.setClass(ComponentConnection);
