import { edgeOf } from '../../domain/graphs/connections.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { isContainer } from '../../domain/graphs/kinds/kind-table.ts';
import { storedNode } from '../../domain/graphs/stored-form.ts';
import type { GraphId, TenantId } from '../../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { nodeOfPath, scopeOfPath } from '../../domain/traces/path.ts';
import type { AgentComponent } from './agent-component.ts';
import type { ComponentConnection } from './component-connection.ts';

/** Whose rows they are. */
interface Owner {
  readonly graphId: GraphId;
  readonly tenantId: TenantId;
}

/**
 * The rows of a graph's nodes, in the definition's order, each container's inner nodes after it: an inner node is known
 * by its path in the definition, `each/draft`. What has no column of its own is in the configuration.
 */
export function componentRows(owner: Owner, definition: GraphDefinition) {
  return nodesWithPaths(definition).map(({ path, node }, position) => {
    const { id: _, kind, handler, objective, quick, budget, dependsOn, ...rest } = storedNode(node) as JsonObject;
    const { timeoutMs, maxRetries, inputTokens, outputTokens } = budget as Record<string, number>;
    return {
      ...owner,
      id: crypto.randomUUID(),
      nodeId: path,
      componentType: node.kind,
      handler: handler as string | null,
      objective: node.objective,
      quick: quick as boolean,
      position: position + 1,
      configuration: withoutRows(rest),
      ...{ timeoutMs: timeoutMs ?? 0, maxRetries: maxRetries ?? 0 },
      ...{ inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 },
    };
  });
}

/** The rows of the arrows between these components. */
export function connectionRows(
  owner: Owner,
  definition: GraphDefinition,
  components: ReturnType<typeof componentRows>,
) {
  const ids = new Map(components.map(({ nodeId, id }) => [nodeId, id]));
  const idOf = (path: string) => ids.get(path) ?? '';
  return nodesWithPaths(definition).flatMap(({ path, node }) =>
    node.dependsOn.map((dependency) => {
      const { from, to, type } = edgeOf(node.id, dependency);
      const { required, when: outcome = null } = dependency;
      const idIn = (id: string) => idOf(`${scopeOfPath(path)}${id}`);
      const ends = { sourceComponentId: idIn(from), targetComponentId: idIn(to) };
      return { ...owner, id: crypto.randomUUID(), ...ends, connectionType: type, required, outcome };
    }),
  );
}

function nodesWithPaths(
  { nodes }: GraphDefinition,
  scope = '',
): { path: string; node: GraphDefinition['nodes'][number] }[] {
  return nodes.flatMap((node) => {
    const path = `${scope}${node.id}`;
    return [{ path, node }, ...(isContainer(node) ? nodesWithPaths(node.graph, `${path}/`) : [])];
  });
}

/** An inner graph's nodes and edges are rows of their own. */
function withoutRows(configuration: JsonObject): JsonObject {
  if (!isJsonObject(configuration.graph ?? null)) return configuration;
  const { nodes: _, edges: __, ...head } = configuration.graph as JsonObject;
  return { ...configuration, graph: head };
}

/** What of a graph's rows its definition is put together from. */
export interface GraphRows {
  readonly components: readonly AgentComponent[];
  readonly connections: readonly ComponentConnection[];
}

/** Puts a definition together: data, to be validated. `head` is all of it but nodes and edges. */
export function definitionFromRows(head: JsonObject, rows: GraphRows, scope = ''): Json {
  const here = rows.components.filter(({ nodeId }) => scopeOfPath(nodeId) === scope);
  const nodes = here.map((component) => nodeFromRow(component, rows, scope));
  const edges = here.flatMap((target) =>
    arrowsInto(target, rows).map(({ source, connection }) => ({
      from: source,
      to: nodeOfPath(target.nodeId),
      type: connection.connectionType,
    })),
  );
  return { ...head, nodes, edges };
}

function nodeFromRow(component: AgentComponent, rows: GraphRows, scope: string): Json {
  const { configuration, timeoutMs, maxRetries, inputTokens, outputTokens } = component;
  const id = nodeOfPath(component.nodeId);
  const { graph } = configuration;
  return {
    ...configuration,
    ...(graph !== undefined && isJsonObject(graph) ? { graph: definitionFromRows(graph, rows, `${scope}${id}/`) } : {}),
    id,
    kind: component.componentType,
    handler: component.handler ?? null,
    objective: component.objective,
    quick: component.quick,
    budget: { timeoutMs, maxRetries, inputTokens, outputTokens },
    dependsOn: waitsOf(component, rows).map(({ source, connection: { required, outcome, connectionType: type } }) => ({
      node: source,
      required,
      ...(outcome === null || outcome === undefined ? {} : { when: outcome }),
      ...(type === 'default' || type === 'condition' ? {} : { type }),
    })),
  };
}

/** What a component waits for, in the order of the definition. The arrow of a bound tool points the other way: see `edgeOf`. */
function waitsOf(waiter: AgentComponent, { components, connections }: GraphRows) {
  const waits = connections.map(awaited).filter(({ waiterId }) => waiterId === waiter.id);
  return inOrder(components, waits);
}

function awaited(connection: ComponentConnection) {
  const { sourceComponentId: source, targetComponentId: target } = connection;
  return connection.connectionType === 'tool'
    ? { connection, waiterId: source, otherId: target }
    : { connection, waiterId: target, otherId: source };
}

function arrowsInto(target: AgentComponent, { components, connections }: GraphRows) {
  const into = connections.filter(({ targetComponentId }) => targetComponentId === target.id);
  return inOrder(
    components,
    into.map((connection) => ({ connection, otherId: connection.sourceComponentId })),
  );
}

/** In the order of their other ends in the definition. */
function inOrder(
  components: readonly AgentComponent[],
  arrows: readonly { readonly connection: ComponentConnection; readonly otherId: string }[],
) {
  return components.flatMap(({ id, nodeId }) =>
    arrows
      .filter(({ otherId }) => otherId === id)
      .map(({ connection }) => ({ source: nodeOfPath(nodeId), connection })),
  );
}
