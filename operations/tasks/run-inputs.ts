import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { readInput } from '../../domain/graphs/read-source.ts';
import { documentIn, nodeOfRun, readTask } from '../../domain/graphs/scope.ts';
import type { Json } from '../../domain/json.ts';
import { type RunPath, scopeOfPath } from '../../domain/traces/path.ts';
import type { StoredValue } from '../../entities/traces/artifact-repository.ts';
import type { RunRecord } from '../../entities/traces/run-repository.ts';

/** Of a stored input or output, how many characters a view shows. */
const MOST_SHOWN = 2_000;

/** The beginning of a stored value as JSON; null for nothing, and for what is an artifact. */
export function startOf({ json }: StoredValue): string | null {
  return json?.slice(0, MOST_SHOWN) ?? null;
}

/**
 * Makes the inputs of runs again, as their handlers were given them, from what the rows hold.
 * @returns the beginning of a run's input as JSON; null where it takes none, or part of it is missing or an artifact
 */
export function inputsOf(
  definition: GraphDefinition,
  stored: { readonly input: StoredValue; readonly runs: readonly RunRecord[] },
): (path: RunPath) => string | null {
  const outputs = new Map<RunPath, Json>();
  for (const { nodeId: path, status, output } of stored.runs) {
    if (status === 'ok' && output.json !== null) outputs.set(path, JSON.parse(output.json));
  }
  const hasTask = stored.input.json !== null;
  const values = { task: JSON.parse(stored.input.json ?? 'null'), outputs };
  return (path) => {
    const node = nodeOfRun(definition, path);
    const mapping = 'input' in node ? node.input : null;
    if (mapping === null || (readTask([mapping]) && !hasTask)) return null;
    const read = documentIn(definition, scopeOfPath(path), { values, task: hasTask });
    const input = read.ok ? readInput(mapping, read.document) : read;
    return input.ok ? JSON.stringify(input.value).slice(0, MOST_SHOWN) : null;
  };
}
