import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Dependency, GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import { BUDGET_LIMITS } from '../../domain/graphs/kinds.ts';
import { validateGraph } from '../../domain/graphs/validate-graph.ts';
import type { GraphId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { StoredRowInvalid } from '../entity-errors.ts';
import { readDate } from '../read-row.ts';

/** A published version of a graph. */
export interface PublishedGraph {
  readonly id: GraphId;
  readonly tenant: TenantId;
  readonly name: string;
  readonly version: number;
  readonly taskQueue: string;
  readonly definitionHash: string;
  readonly publishedAt: Date;
  readonly definition: GraphDefinition;
}

/** What a submit has to know of a graph. */
export interface GraphHead {
  readonly id: GraphId;
  readonly name: string;
  readonly version: number;
  readonly taskQueue: string;
  readonly description: string;
  readonly nodeCount: number;
  readonly inputSchema: JsonObject | null;
  readonly documentProperty: string | null;
  /** The agents that it gives nodes to, by name. */
  readonly agents: readonly string[];
}

export interface NewGraph {
  readonly id: GraphId;
  readonly tenant: TenantId;
  readonly taskQueue: string;
  readonly definitionHash: string;
  readonly definition: GraphDefinition;
}

/** The agents of a graph `g`, by agent_components_graph_node_unique. */
const AGENTS = sql`array(select distinct c.handler from muster.agent_components c
  where c.graph_id = g.id and c.component_type = 'agent' and c.handler is not null order by 1)`;

/** Agent graphs: versioned, kept as rows of components and connections, never changed once published. */
export class GraphRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Publishes a definition as the next version of its name, unless the newest version already is this definition: then
   * only its task queue is brought up to date. Two publishers are put in order by a lock on the name.
   */
  async publish(graph: NewGraph): Promise<{ id: GraphId; version: number; created: boolean }> {
    const db = this.#em.getKysely();
    const { name } = graph.definition;
    await sql`select pg_advisory_xact_lock(hashtext('graph'), hashtext(${`${graph.tenant}/${name}`}))`.execute(db);
    const newest = await sql<{ id: string; version: number; definition_hash: string }>`
      select id, version, definition_hash from muster.agent_graphs
      where tenant_id = ${graph.tenant} and name = ${name} order by version desc limit 1`.execute(db);
    const current = newest.rows[0];
    if (current?.definition_hash === graph.definitionHash) {
      await sql`update muster.agent_graphs set task_queue = ${graph.taskQueue}
        where id = ${current.id} and task_queue <> ${graph.taskQueue}`.execute(db);
      return { id: current.id as GraphId, version: current.version, created: false };
    }
    const version = (current?.version ?? 0) + 1;
    await this.#insert(graph, version);
    return { id: graph.id, version, created: true };
  }

  async #insert(graph: NewGraph, version: number): Promise<void> {
    const { definition } = graph;
    const db = this.#em.getKysely();
    await sql`
      insert into muster.agent_graphs (id, tenant_id, name, version, status, description, schema_version, width,
        input_schema, document_property, output, definition_hash, task_queue)
      values (${graph.id}, ${graph.tenant}, ${definition.name}, ${version}, 'draft', ${definition.description},
        ${definition.version}, ${definition.width}, ${jsonOrNull(definition.inputSchema)}::jsonb,
        ${definition.documentProperty}, ${JSON.stringify(definition.output)}::jsonb, ${graph.definitionHash},
        ${graph.taskQueue})`.execute(db);
    await sql`
      insert into muster.agent_components (id, tenant_id, graph_id, node_id, component_type, handler, objective, quick,
        position, configuration, timeout_ms, max_retries, input_tokens, output_tokens)
      select gen_random_uuid(), ${graph.tenant}, ${graph.id}, c.value ->> 'id', c.value ->> 'kind',
        c.value ->> 'handler', c.value ->> 'objective', (c.value ->> 'quick')::boolean, c.ord,
        jsonb_build_object('input', c.value -> 'input', 'condition', c.value -> 'condition'),
        (c.value #>> '{budget,timeoutMs}')::int, (c.value #>> '{budget,maxRetries}')::int,
        (c.value #>> '{budget,inputTokens}')::int, (c.value #>> '{budget,outputTokens}')::int
      from jsonb_array_elements(${JSON.stringify(definition.nodes)}::jsonb) with ordinality as c(value, ord)`.execute(
      db,
    );
    await sql`
      insert into muster.component_connections (id, tenant_id, graph_id, source_component_id, target_component_id,
        connection_type, required, outcome)
      select gen_random_uuid(), ${graph.tenant}, ${graph.id}, s.id, t.id,
        case when d.value ? 'when' then 'condition' else 'default' end, (d.value ->> 'required')::boolean,
        d.value ->> 'when'
      from jsonb_array_elements(${JSON.stringify(definition.nodes)}::jsonb) as n(value)
        cross join jsonb_array_elements(n.value -> 'dependsOn') as d(value)
        join muster.agent_components s on s.graph_id = ${graph.id} and s.node_id = d.value ->> 'node'
        join muster.agent_components t on t.graph_id = ${graph.id} and t.node_id = n.value ->> 'id'`.execute(db);
    await sql`update muster.agent_graphs set status = 'published', published_at = now() where id = ${graph.id}`.execute(
      db,
    );
  }

  /** The newest published version of a name: the tenant's own before the one that every tenant may use. */
  async newest(tenant: TenantId, name: string): Promise<GraphHead | null> {
    const result = await sql<Record<string, unknown>>`
      select g.*, 0 as node_count, ${AGENTS} as agents from muster.agent_graphs g
      where g.name = ${name} and g.status = 'published' and g.tenant_id in (${tenant}, 'system')
      order by (g.tenant_id = ${tenant}) desc, g.version desc limit 1`.execute(this.#em.getKysely());
    return result.rows[0] === undefined ? null : readHead(result.rows[0]);
  }

  /** The newest published version of every name that the tenant may use. */
  async listNewest(tenant: TenantId): Promise<GraphHead[]> {
    const result = await sql<Record<string, unknown>>`
      select distinct on (g.name) g.*,
        (select count(*)::int from muster.agent_components c where c.graph_id = g.id) as node_count,
        ${AGENTS} as agents
      from muster.agent_graphs g where g.status = 'published' and g.tenant_id in (${tenant}, 'system')
      order by g.name, (g.tenant_id = ${tenant}) desc, g.version desc`.execute(this.#em.getKysely());
    return result.rows.map(readHead);
  }

  /** Reads a version whole and checks it with the rules of every graph: a stored row is input too. */
  async load(id: GraphId): Promise<PublishedGraph | null> {
    const db = this.#em.getKysely();
    const graphs = await sql<Record<string, unknown>>`select * from muster.agent_graphs where id = ${id}`.execute(db);
    const row = graphs.rows[0];
    if (row === undefined) return null;
    const components = await sql<Record<string, unknown>>`
      select * from muster.agent_components where graph_id = ${id} order by position`.execute(db);
    const connections = await sql<Record<string, unknown>>`
      select s.node_id as source, t.node_id as target, c.connection_type, c.required, c.outcome
      from muster.component_connections c
        join muster.agent_components s on s.id = c.source_component_id
        join muster.agent_components t on t.id = c.target_component_id
      where c.graph_id = ${id} order by t.position, s.position`.execute(db);
    const definition = validateGraph(definitionOf(row, components.rows, connections.rows));
    if (!definition.ok) throw new StoredRowInvalid('agent_graphs', id, definition.faults[0]?.message ?? 'not a graph');
    return {
      id,
      tenant: row.tenant_id as TenantId,
      name: row.name as string,
      version: row.version as number,
      taskQueue: row.task_queue as string,
      definitionHash: row.definition_hash as string,
      publishedAt: readDate(row.published_at as string),
      definition: definition.definition,
    };
  }
}

type Row = Record<string, unknown>;

function definitionOf(graph: Row, components: readonly Row[], connections: readonly Row[]): unknown {
  return {
    version: graph.schema_version,
    name: graph.name,
    description: graph.description,
    width: graph.width,
    inputSchema: graph.input_schema,
    documentProperty: graph.document_property,
    output: graph.output,
    nodes: components.map((component) => nodeOf(component, connections)),
    edges: connections.map((edge) => ({ from: edge.source, to: edge.target, type: edge.connection_type })),
  };
}

function nodeOf(component: Row, connections: readonly Row[]): unknown {
  const configuration = (component.configuration ?? {}) as Partial<Pick<GraphNode, 'input' | 'condition'>>;
  return {
    id: component.node_id,
    kind: component.component_type,
    handler: component.handler,
    objective: component.objective,
    quick: component.quick,
    input: configuration.input,
    condition: configuration.condition ?? null,
    budget: {
      timeoutMs: component.timeout_ms ?? BUDGET_LIMITS.timeoutMs.default,
      maxRetries: component.max_retries,
      inputTokens: component.input_tokens,
      outputTokens: component.output_tokens,
    },
    dependsOn: connections.filter((edge) => edge.target === component.node_id).map(dependencyOf),
  };
}

function dependencyOf(edge: Row): Dependency {
  return {
    node: edge.source as string,
    required: edge.required as boolean,
    ...(edge.outcome === null ? {} : { when: edge.outcome as Dependency['when'] & string }),
  };
}

function readHead(row: Row): GraphHead {
  return {
    id: row.id as GraphId,
    name: row.name as string,
    version: row.version as number,
    taskQueue: row.task_queue as string,
    description: (row.description as string | null) ?? '',
    nodeCount: row.node_count as number,
    inputSchema: row.input_schema as JsonObject | null,
    documentProperty: row.document_property as string | null,
    agents: row.agents as string[],
  };
}

function jsonOrNull(value: JsonObject | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
