import type { Condition, InputMapping, InputSource } from './definition.ts';
import type { NodeSpec } from './graph-spec.ts';
import { comparisonsOf, nodeOfPointer, pointersOf } from './read-source.ts';
import type { SourceSpec } from './source-spec.ts';

/** A written input as data: a single pointer is the whole input. */
export function buildMapping(input: NodeSpec['input'] = {}): InputMapping {
  if (typeof input === 'string') return { whole: { pointer: input } };
  const fields = Object.entries(input).map(([name, source]) => [name, buildSource(source)] as const);
  return { fields: Object.fromEntries(fields) };
}

export function buildSource(source: SourceSpec<string>): InputSource {
  return typeof source === 'string' ? { pointer: source } : source;
}

/** The nodes that a reader requires, and those that are optional for it. */
export interface NodesRead {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** The nodes that a mapping or a condition reads. A node whose existence a condition tests is optional. */
export function nodesNeeded(reader: InputMapping | Condition): NodesRead {
  if ('whole' in reader) return sourcesRead([reader.whole]);
  if ('fields' in reader) return sourcesRead(Object.values(reader.fields));
  const leaves = comparisonsOf(reader);
  const optional = nodesOf(leaves.filter((leaf) => leaf.is === 'exists').map((leaf) => leaf.pointer));
  const all = nodesOf(leaves.map((leaf) => leaf.pointer));
  return { required: all.filter((id) => !optional.includes(id)), optional };
}

function sourcesRead(sources: readonly InputSource[]): NodesRead {
  const read = (optional: boolean) =>
    sources.flatMap((source) => (mayBeAbsent(source) === optional ? nodesOf(pointersOf(source)) : []));
  return { required: read(false), optional: read(true) };
}

/** Whether a node that the source reads may leave no value: of several, any may be the one that does. */
function mayBeAbsent(source: InputSource): boolean {
  return 'first' in source || ('pointer' in source && source.optional === true);
}

function nodesOf(pointers: readonly string[]): readonly string[] {
  return pointers.map(nodeOfPointer).filter((id) => id !== null);
}
