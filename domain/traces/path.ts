/**
 * The place of a run in its trace: `draft` is a node of the task's graph, `each[3]/draft` the node `draft` of the inner
 * graph that the container `each` runs for its element 3. A path keys the run, its events, effects, artifacts and
 * activities. A node at the top has its own id as its path.
 */
export type RunPath = string;

/** One step of a path: a node, and which of its inner graphs the rest of the path is in; null for the only one. */
export interface PathPart {
  readonly node: string;
  readonly index: number | null;
}

const PART = /^([a-z][A-Za-z0-9-]{0,63})(?:\[(0|[1-9]\d{0,4})\])?$/;

/** Reads a path, from the outermost node to the innermost. Null for text that is not a path. */
export function parsePath(text: string): readonly PathPart[] | null {
  const parts: PathPart[] = [];
  for (const part of text.split('/')) {
    const [, node, index] = PART.exec(part) ?? [];
    if (node === undefined) return null;
    parts.push({ node, index: index === undefined ? null : Number(index) });
  }
  return parts.at(-1)?.index === null ? parts : null;
}

/** The id of the path's node in its graph. */
export function nodeOfPath(path: RunPath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The path of the container that a run is in; null at the top. */
export function parentOfPath(path: RunPath): RunPath | null {
  const scope = scopeOfPath(path);
  return scope === '' ? null : scope.replace(/(\[\d+\])?\/$/, '');
}

/** The part before the node's id: `each[3]/` for `each[3]/draft`, nothing for a node at the top. */
export function scopeOfPath(path: RunPath): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** The scope of the inner graph of a container; `index` is null where the container has only one. */
export function innerScope(container: RunPath, index: number | null): string {
  return index === null ? `${container}/` : `${container}[${index}]/`;
}
