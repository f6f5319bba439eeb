import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { type GraphFault, graphFault } from '../graph-faults.ts';
import { MAX_NODES } from '../kinds.ts';

/** More than the plan of a graph has room for. */
const MAX_CONNECTIONS = 2_000;

/** The path of a fault has the id of its component. */
const MAX_ID = 64;

/** What a component says of those that it follows. */
const FOLLOWED = ['after', 'afterAny', 'guardedBy', 'fallbackOf', 'when'] as const;

/**
 * Why a written graph, or one within it, is too large to be compiled. Faults are looked for in a time that grows faster than
 * a graph does, so these are looked for first.
 */
export function sizeFaults(graph: JsonObject, path: readonly string[] = []): readonly GraphFault[] {
  const components = Object.entries(isJsonObject(graph.components ?? null) ? (graph.components as JsonObject) : {});
  if (components.length > MAX_NODES) {
    const found = `Expected at most ${MAX_NODES} components, found ${components.length}.`;
    return [graphFault('too_many_nodes', [...path, 'components'], found)];
  }
  if (components.some(([id]) => id.length > MAX_ID)) {
    return [graphFault('node_id_invalid', [...path, 'components'], `Expected ids of at most ${MAX_ID} characters.`)];
  }
  const written = components.map(([, component]) => connectionsOf(component));
  const connections = written.reduce((sum, count) => sum + count, countOf(graph.connections));
  if (connections > MAX_CONNECTIONS) {
    const found = `Expected at most ${MAX_CONNECTIONS} connections, found ${connections}.`;
    return [graphFault('plan_too_long', path, found)];
  }
  return components.flatMap(([id, component]) => innerFaults(component, [...path, 'components', id]));
}

function connectionsOf(component: Json): number {
  return isJsonObject(component) ? FOLLOWED.reduce((sum, name) => sum + countOf(component[name]), 0) : 0;
}

function countOf(given: Json | undefined): number {
  return typeof given === 'object' && given !== null ? Object.keys(given).length : 0;
}

function innerFaults(component: Json, path: readonly string[]): readonly GraphFault[] {
  const properties = Object.entries(isJsonObject(component) ? component : {});
  return properties.flatMap(([name, value]) =>
    isJsonObject(value) && 'components' in value ? sizeFaults(value, [...path, name]) : [],
  );
}
