import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { validateGraph } from '../../domain/graphs/validate-graph.ts';
import type { GraphId, TenantId } from '../../domain/ids.ts';
import { StoredRowInvalid } from '../entity-errors.ts';
import { Repository } from '../repository.ts';
import { AgentComponent } from './agent-component.ts';
import { AgentGraph } from './agent-graph.ts';
import { ComponentConnection } from './component-connection.ts';
import { componentRows, connectionRows, definitionFromRows } from './graph-rows.ts';
import { lockGraphName } from './statements/lock-graph-name.ts';
import { type GraphHead, newestGraphs } from './statements/newest-graphs.ts';

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

export interface NewGraph {
  readonly id: GraphId;
  readonly tenant: TenantId;
  readonly taskQueue: string;
  readonly definitionHash: string;
  readonly definition: GraphDefinition;
}

/** Agent graphs: versioned, kept as rows of components and connections, never changed once published. */
export class GraphRepository extends Repository {
  /**
   * Publishes a definition as the next version of its name, unless the newest version already is this definition: then
   * only its task queue is brought up to date. Two publishers are put in order by a lock on the name.
   */
  async publish(graph: NewGraph): Promise<{ id: GraphId; version: number; created: boolean }> {
    const { tenant, taskQueue, definitionHash } = graph;
    const { name } = graph.definition;
    await lockGraphName(this.em, tenant, name);
    const newest = await this.em.findOne(AgentGraph, { tenantId: tenant, name }, { orderBy: { version: 'desc' } });
    if (newest?.definitionHash === definitionHash) {
      await this.em.nativeUpdate(AgentGraph, { id: newest.id, taskQueue: { $ne: taskQueue } }, { taskQueue });
      return { id: newest.id, version: newest.version, created: false };
    }
    const version = (newest?.version ?? 0) + 1;
    await this.#insert(graph, version);
    return { id: graph.id, version, created: true };
  }

  /** A draft until all its rows are there: see the rules of the tables. */
  async #insert({ id, tenant, taskQueue, definitionHash, definition }: NewGraph, version: number): Promise<void> {
    const { name, description, version: schemaVersion, width, inputSchema, documentProperty, output } = definition;
    const head = { name, description, schemaVersion, width, inputSchema, documentProperty, output };
    const owner = { graphId: id, tenantId: tenant };
    const components = componentRows(owner, definition);
    await this.em.insert(AgentGraph, { ...head, id, tenantId: tenant, version, taskQueue, definitionHash });
    await this.em.insertMany(AgentComponent, components);
    const connections = connectionRows(owner, definition, components);
    if (connections.length > 0) await this.em.insertMany(ComponentConnection, connections);
    await this.em.nativeUpdate(AgentGraph, { id }, { status: 'published', publishedAt: new Date() });
  }

  /** The newest published version of a name: the tenant's own before the one that every tenant may use. */
  async newest(tenant: TenantId, name: string): Promise<GraphHead | null> {
    const [head = null] = await newestGraphs(this.em, tenant, name);
    return head;
  }

  /** The newest published version of every name that the tenant may use. */
  listNewest(tenant: TenantId): Promise<GraphHead[]> {
    return newestGraphs(this.em, tenant);
  }

  /** Reads a version whole and checks it with the rules of every graph: a stored row is input too. */
  async load(id: GraphId): Promise<PublishedGraph | null> {
    const graph = await this.em.findOne(AgentGraph, { id });
    if (graph === null) return null;
    const components = await this.em.find(AgentComponent, { graphId: id }, { orderBy: { position: 'asc' } });
    const connections = await this.em.find(ComponentConnection, { graphId: id });
    const { name, schemaVersion: version, description, width, output } = graph;
    const { inputSchema = null, documentProperty = null } = graph;
    const head = { version, name, description, width, inputSchema, documentProperty, output };
    const read = validateGraph(definitionFromRows(head, { components, connections }));
    if (!read.ok) throw new StoredRowInvalid('agent_graphs', id, read.faults[0]?.message ?? 'not a graph');
    return {
      id,
      tenant: graph.tenantId,
      name,
      version: graph.version,
      taskQueue: graph.taskQueue,
      definitionHash: graph.definitionHash,
      publishedAt: graph.publishedAt ?? graph.createdAt,
      definition: read.definition,
    };
  }
}
