import { defineEntity, p } from '@mikro-orm/core';
import { BUDGET_LIMITS, NODE_KINDS } from '../../domain/graphs/kinds.ts';
import type { TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { within } from '../checks.ts';
import { plainTenantId } from '../columns.ts';
import { graphId } from './agent-graph.ts';

const schema = defineEntity({
  name: 'AgentComponent',
  tableName: 'agent_components',
  properties: {
    id: p.uuid().primary(),
    tenantId: plainTenantId().$type<TenantId>(),
    graphId,
    /** The node's id; for a node of an inner graph its path in the definition: `each/draft`. */
    nodeId: p.text(),
    componentType: p.enum(NODE_KINDS),
    /** Name of the agent or tool; null for a condition. */
    handler: p.text().nullable(),
    objective: p.text(),
    quick: p.boolean().default(false),
    /** The node's place in the definition, so that reading gives the nodes in the order they were written. */
    position: p.integer(),
    /** What the node's kind has besides these columns. Of an inner graph all but its nodes, which are rows too. */
    configuration: p.json<JsonObject>(),
    timeoutMs: p.integer().check(within('timeout_ms', BUDGET_LIMITS.timeoutMs)),
    maxRetries: p.integer().check(within('max_retries', BUDGET_LIMITS.maxRetries)),
    inputTokens: p.integer().check(within('input_tokens', BUDGET_LIMITS.inputTokens)),
    outputTokens: p.integer().check(within('output_tokens', BUDGET_LIMITS.outputTokens)),
    metadata: p.json<JsonObject>().defaultRaw("'{}'"),
  },
  uniques: [
    { name: 'agent_components_graph_node_unique', properties: ['graphId', 'nodeId'] },
    { name: 'agent_components_graph_id_unique', properties: ['graphId', 'id'] },
  ],
});

/** One node of a graph. */
export class AgentComponent extends schema.class {}
schema.setClass(AgentComponent);
