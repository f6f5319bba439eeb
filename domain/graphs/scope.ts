import type { Json } from '../json.ts';
import { nodeOfPath, type PathPart, parsePath, type RunPath, scopeOfPath } from '../traces/path.ts';
import type { Condition, ContainerNode, GraphDefinition, GraphNode, InputMapping } from './definition.ts';
import type { ContainerFault } from './kinds/kind-rules.ts';
import { containerOf, isContainer, readersOf } from './kinds/kind-table.ts';
import { type GraphDocument, nodesRead, pointersRead, readInput } from './read-source.ts';
import { scopeWithin } from './run-state.ts';

/** The stored values of a trace: the task's input, and the outputs of the runs that ended `ok`, by path. */
export interface TraceValues {
  readonly task: Json;
  readonly outputs: ReadonlyMap<RunPath, Json>;
}

/** The values of a trace that a reader needs: the paths of runs, and whether it needs the task's input. */
export interface TraceReads {
  readonly paths: readonly RunPath[];
  readonly task: boolean;
}

/** The node of a path, and the graph that it is a node of. */
function nodeAt(definition: GraphDefinition, path: RunPath): GraphNode {
  const graph = graphOfRun(definition, path);
  const node = graph.nodes.find(({ id }) => id === nodeOfPath(path));
  if (node === undefined) throw new Error(`The graph ${graph.name} has no node ${nodeOfPath(path)}.`);
  return node;
}

/** A node with the path of one of its runs instead of its id. */
export function nodeOfRun(definition: GraphDefinition, path: RunPath): GraphNode {
  return { ...nodeAt(definition, path), id: path };
}

/** The graph whose node a run is of: the task's own, or an inner one. */
export function graphOfRun(definition: GraphDefinition, path: RunPath): GraphDefinition {
  return graphAt(definition, scopeOfPath(path));
}

/** All values that readers of a scope's document need. */
export function readsIn(
  definition: GraphDefinition,
  scope: string,
  readers: readonly (InputMapping | Condition)[],
): TraceReads {
  const own = readers.flatMap(nodesRead).map((id) => `${scope}${id}`);
  if (!readers.some(readsTask)) return { paths: own, task: false };
  const outer = outerOf(definition, scope);
  if (outer === null) return { paths: own, task: true };
  const { container, path, index } = outer;
  const input = readsIn(definition, scopeOfPath(path), readersOf(container));
  return { paths: [...own, ...input.paths, ...previousReads(container, path, index)], task: input.task };
}

/**
 * The document that pointers in a scope read, made of the loaded values. A container whose input cannot be made has
 * none; the fault says why. Its `task` is made only for readers that need it, because only then are its values loaded.
 */
export function documentIn(
  definition: GraphDefinition,
  scope: string,
  { values, task = true }: { values: TraceValues; task?: boolean },
): { readonly ok: true; readonly document: GraphDocument } | ContainerFault {
  const nodes = outputsIn(graphAt(definition, scope), scope, values);
  const outer = task ? outerOf(definition, scope) : null;
  if (!task) return { ok: true, document: { task: null, nodes } };
  if (outer === null) return { ok: true, document: { task: values.task, nodes } };
  const input = innerInput(definition, outer, values);
  return input.ok ? { ok: true, document: { task: input.value, nodes } } : input;
}

/** Whether any of these reads the input of its graph's task. */
export function readTask(readers: readonly (InputMapping | Condition)[]): boolean {
  return readers.some(readsTask);
}

/** The values that a container's turn needs. */
export function readsOfTurn(definition: GraphDefinition, path: RunPath, size: number): TraceReads {
  const container = containerAt(definition, path);
  const reads = containerOf(container)
    .outputs(size)
    .map((index) => readsIn(definition, scopeWithin(container, path, index), [container.graph.output]));
  return { paths: reads.flatMap(({ paths }) => paths), task: reads.some(({ task }) => task) };
}

/** The outputs of the inner graphs that a container's turn reads. */
export function innerOutputs(
  definition: GraphDefinition,
  path: RunPath,
  { size, values }: { size: number; values: TraceValues },
): { readonly ok: true; readonly outputs: readonly Json[] } | ContainerFault {
  const container = containerAt(definition, path);
  const outputs: Json[] = [];
  for (const index of containerOf(container).outputs(size)) {
    const output = innerOutput(definition, { container, path, index }, values);
    if (!output.ok) return output;
    outputs.push(output.value);
  }
  return { ok: true, outputs };
}

const NO_INPUT = { ok: true, value: null } as const;

type Value = { readonly ok: true; readonly value: Json } | ContainerFault;

/** One inner graph of a container. */
interface Outer {
  readonly container: ContainerNode;
  readonly path: RunPath;
  readonly index: number;
}

function innerInput(definition: GraphDefinition, outer: Outer, values: TraceValues): Value {
  const { container, index } = outer;
  const handsOn = containerOf(container).previous && index > 0;
  const before = handsOn ? innerOutput(definition, { ...outer, index: index - 1 }, values) : null;
  if (before?.ok === false) return before;
  return inputAfter(definition, outer, { values, previous: before?.value ?? null });
}

function inputAfter(
  definition: GraphDefinition,
  { container, path, index }: Outer,
  { values, previous }: { values: TraceValues; previous: Json },
): Value {
  const read = documentIn(definition, scopeOfPath(path), { values, task: readTask(readersOf(container)) });
  return read.ok ? containerOf(container).input(container, read.document, { index, previous }) : read;
}

/** An output does not read the previous one (see `kinds/repeat.ts`); otherwise each would need all before it. */
function innerOutput(definition: GraphDefinition, outer: Outer, values: TraceValues): Value {
  const { container, path, index } = outer;
  const { output } = container.graph;
  const scope = scopeWithin(container, path, index);
  const input = readTask([output]) ? inputAfter(definition, outer, { values, previous: null }) : NO_INPUT;
  if (!input.ok) return input;
  const found = readInput(output, { task: input.value, nodes: outputsIn(container.graph, scope, values) });
  if (found.ok) return found;
  return { ok: false, code: 'output_missing', message: `The output of ${scope} has no value at ${found.pointer}.` };
}

/** The values of the previous inner graph that an input needs, if its kind passes them on. */
function previousReads(container: ContainerNode, path: RunPath, index: number): readonly RunPath[] {
  if (!containerOf(container).previous || index === 0) return [];
  const scope = scopeWithin(container, path, index - 1);
  return nodesRead(container.graph.output).map((id) => `${scope}${id}`);
}

function outputsIn({ nodes }: GraphDefinition, scope: string, { outputs }: TraceValues): Record<string, Json> {
  const found: Record<string, Json> = {};
  for (const { id } of nodes) {
    const output = outputs.get(`${scope}${id}`);
    if (output !== undefined) found[id] = output;
  }
  return found;
}

function graphAt(definition: GraphDefinition, scope: string): GraphDefinition {
  return outerOf(definition, scope)?.container.graph ?? definition;
}

/** The container whose inner graph has the scope; null for the task's own graph. */
function outerOf(definition: GraphDefinition, scope: string): Outer | null {
  if (scope === '') return null;
  const parts: readonly PathPart[] = parsePath(`${scope}node`)?.slice(0, -1) ?? [];
  const { index = null } = parts.at(-1) ?? {};
  const path = scope.slice(0, -1).replace(/\[\d+\]$/, '');
  return { container: containerAt(definition, path), path, index: index ?? 0 };
}

function containerAt(definition: GraphDefinition, path: RunPath): ContainerNode {
  const node = nodeAt(definition, path);
  if (isContainer(node)) return node;
  throw new Error(`The node ${path} runs no inner graph.`);
}

function readsTask(reader: InputMapping | Condition): boolean {
  return pointersRead(reader).some((pointer) => pointer === '' || pointer === '/task' || pointer.startsWith('/task/'));
}
