import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { ExpressionBuilder } from 'kysely';
import type { GraphStatus } from '../../../domain/graphs/kinds.ts';
import { type GraphId, SYSTEM_TENANT, type TenantId } from '../../../domain/ids.ts';
import type { JsonObject } from '../../../domain/json.ts';
import { literal } from '../../common-expressions.ts';
import { type Tables, tables } from '../../tables.ts';

/** What a submit has to know of a graph. */
export interface GraphHead {
  readonly id: GraphId;
  readonly name: string;
  readonly version: number;
  readonly status: GraphStatus;
  readonly taskQueue: string;
  readonly description: string;
  /** Its own nodes; those of inner graphs do not count. */
  readonly nodeCount: number;
  readonly inputSchema: JsonObject | null;
  readonly documentProperty: string | null;
  /** The agents that it gives nodes to, in inner graphs too, by name. */
  readonly agents: readonly string[];
}

/** Which versions are asked for; all active ones where nothing is named. */
export interface HeadSearch {
  readonly name?: string;
  readonly version?: number | undefined;
  /** One version, whatever its name and its status. */
  readonly id?: GraphId;
}

/**
 * The active version of every name that the tenant may use, or of one name, or another version of that: the tenant's own
 * before the one that every tenant may use, and that one before a version of this number that was only imported: an import
 * hides nothing. One statement, because every submit may ask it. By agent_graphs_active_unique or
 * agent_graphs_tenant_name_version_unique, and agent_components_graph_node_unique.
 */
export function graphHeads(
  em: SqlEntityManager,
  tenant: TenantId,
  { name, version, id }: HeadSearch = {},
): Promise<GraphHead[]> {
  return tables(em)
    .selectFrom('agent_graphs as g')
    .distinctOn('g.name')
    .select(['g.id', 'g.name', 'g.version', 'g.status', 'g.taskQueue', 'g.description'])
    .select(['g.inputSchema', 'g.documentProperty'])
    .select(({ selectFrom, fn, cast }) => {
      const nodes = selectFrom('agent_components as c').whereRef('c.graphId', '=', 'g.id');
      const agents = nodes.where('c.componentType', '=', 'agent').where('c.handler', 'is not', null);
      return [
        nodes
          .where('c.nodeId', 'not like', '%/%')
          .select(cast<number>(fn.countAll(), 'integer').as('count'))
          .$asScalar()
          .$notNull()
          .as('nodeCount'),
        fn<string[]>('array', [agents.select('c.handler').distinct().orderBy('c.handler')]).as('agents'),
      ];
    })
    .where((eb) => {
      if (id !== undefined) return eb('g.id', '=', id);
      return version === undefined ? eb('g.status', '=', literal('active')) : eb('g.version', '=', version);
    })
    .where('g.tenantId', 'in', [tenant, SYSTEM_TENANT])
    .$if(name !== undefined, (query) => query.where('g.name', '=', name as string))
    .orderBy('g.name')
    .orderBy((eb) => eb('g.tenantId', '=', tenant).and(wasOnlyImported(eb)), 'asc')
    .orderBy((eb) => eb('g.tenantId', '=', tenant), 'desc')
    .execute();
}

/** An import writes an archived version, and only an activation gives it a day of publishing. */
function wasOnlyImported(eb: ExpressionBuilder<Tables & { g: Tables['agent_graphs'] }, 'g'>) {
  return eb('g.status', '=', literal('archived')).and('g.publishedAt', 'is', null);
}
