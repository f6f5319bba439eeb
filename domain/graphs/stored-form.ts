import type { Json } from '../json.ts';
import type { GraphDefinition, GraphNode } from './definition.ts';
import { isContainer } from './kinds/kind-table.ts';
import { DEFAULT_BUDGET } from './kinds.ts';

/** The fields of every stored node of any kind: the form in which graphs are hashed, stored and given to workflows. */
const NOTHING_OF_ITS_OWN = {
  handler: null,
  quick: true,
  input: { fields: {} },
  condition: null,
  budget: DEFAULT_BUDGET,
};

/**
 * A graph in the form that every release reads and writes, so that its hash stays the same and an older worker can
 * continue a workflow that a newer one began. {@link validateGraph} reads it back.
 */
export function storedForm(definition: GraphDefinition): Json {
  return toData(formOf(definition));
}

export function storedNode(node: GraphNode): Json {
  return toData(formOfNode(node));
}

function formOf(definition: GraphDefinition): object {
  return { ...definition, nodes: definition.nodes.map(formOfNode) };
}

function formOfNode(node: GraphNode): object {
  const own = isContainer(node) ? { graph: formOf(node.graph) } : {};
  return { ...NOTHING_OF_ITS_OWN, ...node, ...own };
}

/** A definition is JSON, which its interface hides from the compiler. */
function toData(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
