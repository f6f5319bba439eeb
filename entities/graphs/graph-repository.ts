import { raw } from '@mikro-orm/core';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import type { HandlerFacts } from '../../domain/graphs/documents/read-component.ts';
import { validateGraph } from '../../domain/graphs/validate-graph.ts';
import type { GraphId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { StoredRowInvalid } from '../entity-errors.ts';
import { Repository } from '../repository.ts';
import { AgentComponent } from './agent-component.ts';
import { AgentGraph } from './agent-graph.ts';
import { ComponentConnection } from './component-connection.ts';
import { componentRows, connectionRows, definitionFromRows } from './graph-rows.ts';
import { type GraphHead, graphHeads } from './statements/graph-heads.ts';
import { lockGraphName } from './statements/lock-graph-name.ts';
import { newestComponents } from './statements/newest-components.ts';

/** A version of a graph, whole. */
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
  /** What it was made from. @defaultValue {} */
  readonly metadata?: JsonObject;
}

const VERSION_FIELDS = [
  ...(['id', 'name', 'version', 'status', 'description', 'taskQueue', 'definitionHash'] as const),
  ...(['createdAt', 'publishedAt', 'metadata'] as const),
];

/** A version of a graph, as it is listed. */
export interface GraphVersion extends Omit<Pick<AgentGraph, (typeof VERSION_FIELDS)[number]>, 'publishedAt'> {
  /** When it was first active; null for one that never was. */
  readonly publishedAt: Date | null;
}

/** Read anew each time: the statements that change a version leave what is known of it as it was. */
const AS_VERSION = { fields: VERSION_FIELDS, refresh: true } as const;

/** Agent graphs: versioned, kept as rows of components and connections. */
export class GraphRepository extends Repository {
  /** Puts those in order who change the versions of a name, until the end of the transaction. */
  lock(tenant: TenantId, name: string): Promise<void> {
    return lockGraphName(this.em, tenant, name);
  }

  /**
   * Writes a definition as the next version of its name, a draft, unless one of its versions is this definition: then only
   * the task queue of that one is brought up to date. Under the lock of the name.
   */
  async write(graph: NewGraph): Promise<{ written: GraphVersion; created: boolean }> {
    const { id, tenant, taskQueue, definitionHash } = graph;
    const versions = await this.versions(tenant, graph.definition.name);
    const known = versions.find((version) => version.definitionHash === definitionHash);
    if (known === undefined) {
      await this.#insert(graph, (versions[0]?.version ?? 0) + 1);
      return { written: versionOf(await this.em.findOneOrFail(AgentGraph, id, AS_VERSION)), created: true };
    }
    await this.em.nativeUpdate(AgentGraph, { id: known.id, taskQueue: { $ne: taskQueue } }, { taskQueue });
    return { written: known, created: false };
  }

  /** Makes a version the active one of its name and archives the one before. Under the lock of the name. */
  async activate({ id, name }: Pick<GraphVersion, 'id' | 'name'>, tenantId: TenantId): Promise<void> {
    await this.em.nativeUpdate(
      AgentGraph,
      { tenantId, name, status: 'active', id: { $ne: id } },
      { status: 'archived' },
    );
    const publishedAt = raw('coalesce(published_at, now())');
    await this.em.nativeUpdate(AgentGraph, { id, status: { $ne: 'active' } }, { status: 'active', publishedAt });
  }

  /** Takes a version out of use. Its tasks keep it. */
  async archive(id: GraphId): Promise<void> {
    await this.em.nativeUpdate(AgentGraph, { id }, { status: 'archived' });
  }

  async #insert({ id, tenant, taskQueue, definitionHash, definition, metadata = {} }: NewGraph, version: number) {
    const { name, description, version: schemaVersion, width, inputSchema, documentProperty, output } = definition;
    const head = { name, description, schemaVersion, width, inputSchema, documentProperty, output };
    const owner = { graphId: id, tenantId: tenant };
    const components = componentRows(owner, definition);
    await this.em.insert(AgentGraph, { ...head, id, tenantId: tenant, version, taskQueue, definitionHash, metadata });
    await this.em.insertMany(AgentComponent, components);
    const connections = connectionRows(owner, definition, components);
    if (connections.length > 0) await this.em.insertMany(ComponentConnection, connections);
  }

  /** The versions of a name that are the tenant's own, the newest first. */
  async versions(tenantId: TenantId, name: string): Promise<GraphVersion[]> {
    const found = await this.em.find(AgentGraph, { tenantId, name }, { ...AS_VERSION, orderBy: { version: 'desc' } });
    return found.map(versionOf);
  }

  /**
   * The active version of a name, or another version: the tenant's own before the one that every tenant may use, and that
   * one before what was only imported.
   */
  async head(tenant: TenantId, name: string, version?: number): Promise<GraphHead | null> {
    const [head = null] = await graphHeads(this.em, tenant, { name, version });
    return head;
  }

  /** Whether a version was active once, and so was published by somebody who may do what its nodes do. */
  async wasActive(id: GraphId): Promise<boolean> {
    return (await this.em.count(AgentGraph, { id, publishedAt: { $ne: null } })) > 0;
  }

  /** A version by its id. */
  async headOf(tenant: TenantId, id: GraphId): Promise<GraphHead | null> {
    const [head = null] = await graphHeads(this.em, tenant, { id });
    return head;
  }

  /** The active version of every name that the tenant may use. */
  listActive(tenant: TenantId): Promise<GraphHead[]> {
    return graphHeads(this.em, tenant);
  }

  /** What the newest graph with a node of these agents and tools (`kind:name`) knows of them. */
  async knownHandlers(tenant: TenantId, handlers: readonly string[]): Promise<ReadonlyMap<string, HandlerFacts>> {
    if (handlers.length === 0) return new Map();
    const rows = await newestComponents(this.em, tenant, handlers);
    return new Map(
      rows.map(({ handler, quick, configuration }) => [handler, { quick, thinks: configuration.thinks === true }]),
    );
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

function versionOf(graph: Pick<AgentGraph, (typeof VERSION_FIELDS)[number]>): GraphVersion {
  const { id, name, version, status, description, taskQueue, definitionHash, createdAt, metadata } = graph;
  const { publishedAt = null } = graph;
  return { id, name, version, status, description, taskQueue, definitionHash, createdAt, publishedAt, metadata };
}
