import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { GraphId, TenantId } from '../../../domain/ids.ts';
import type { JsonObject } from '../../../domain/json.ts';

/** What a submit has to know of a graph. */
export interface GraphHead {
  readonly id: GraphId;
  readonly name: string;
  readonly version: number;
  readonly taskQueue: string;
  readonly description: string;
  /** Its own nodes; those of inner graphs do not count. */
  readonly nodeCount: number;
  readonly inputSchema: JsonObject | null;
  readonly documentProperty: string | null;
  /** The agents that it gives nodes to, in inner graphs too, by name. */
  readonly agents: readonly string[];
}

/**
 * The newest published version of every name that the tenant may use, or of one name: the tenant's own before the one
 * that every tenant may use. One statement, because every submit asks it: `distinct on` and the lists of each row are
 * beyond the builder. By agent_graphs_tenant_name_version_unique and agent_components_graph_node_unique.
 */
export async function newestGraphs(em: SqlEntityManager, tenant: TenantId, name?: string): Promise<GraphHead[]> {
  const result = await sql<GraphHead>`
    select distinct on (g.name) g.id, g.name, g.version, g.task_queue as "taskQueue", g.description,
      g.input_schema as "inputSchema", g.document_property as "documentProperty",
      (select count(*)::int from muster.agent_components c
        where c.graph_id = g.id and position('/' in c.node_id) = 0) as "nodeCount",
      array(select distinct c.handler from muster.agent_components c
        where c.graph_id = g.id and c.component_type = 'agent' and c.handler is not null order by 1) as agents
    from muster.agent_graphs g
    where g.status = 'published' and g.tenant_id in (${tenant}, 'system')
      and ${name === undefined ? sql`true` : sql`g.name = ${name}`}
    order by g.name, (g.tenant_id = ${tenant}) desc, g.version desc`.execute(em.getKysely());
  return result.rows;
}
