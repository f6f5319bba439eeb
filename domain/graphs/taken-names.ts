import { formatPointer, isJsonObject } from '../json.ts';
import type { GraphDefinition, GraphNode, InputMapping } from './definition.ts';
import { type GraphFault, graphFault } from './graph-faults.ts';
import { containerOf, isContainer } from './kinds/kind-table.ts';

/**
 * The inputs of containers, at any depth, with a name that the container itself gives. New graphs are refused for them;
 * a stored graph of an older release is still carried out, with what the container gives.
 */
export function takenNames({ nodes }: GraphDefinition): readonly GraphFault[] {
  return nodes.flatMap(takenByNode);
}

function takenByNode(node: GraphNode, index: number): readonly GraphFault[] {
  if (!isContainer(node)) return [];
  const names = namesOf(node.input);
  const own = containerOf(node).gives.filter((name) => names.includes(name));
  const path = formatPointer(['nodes', index, 'graph']);
  const within = takenNames(node.graph).map((fault) => ({ ...fault, path: `${path}${fault.path}` }));
  return [...own.map((name) => nameTaken(node, index, name)), ...within];
}

function nameTaken({ id, kind }: GraphNode, index: number, name: string): GraphFault {
  const message = `Node "${id}" of kind ${kind} itself gives "${name}" to its graph; give this value another name.`;
  return graphFault('input_name_taken', ['nodes', index, 'input', name], message);
}

/** What a pointer to a whole input finds is not known before it is read. */
function namesOf(input: InputMapping): readonly string[] {
  if ('fields' in input) return Object.keys(input.fields);
  return 'value' in input.whole && isJsonObject(input.whole.value) ? Object.keys(input.whole.value) : [];
}
