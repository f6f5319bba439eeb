import { toJson } from '../json.ts';
import type { GraphDefinition } from './definition.ts';
import type { GraphFault } from './graph-faults.ts';
import { ruleFaults } from './graph-rules.ts';
import { parseGraph } from './parse-graph.ts';

/**
 * Reads a graph out of unknown data, stored rows included, and holds it to every rule of graphs. Gives a definition
 * that the interpreter can trust, with nothing in it that was not checked, or all faults at once. Never throws.
 */
export function validateGraph(
  definition: unknown,
):
  | { readonly ok: true; readonly definition: GraphDefinition }
  | { readonly ok: false; readonly faults: readonly GraphFault[] } {
  const faults: GraphFault[] = [];
  const parsed = parseGraph(definition, { path: [], faults });
  if (parsed !== null) faults.push(...ruleFaults(parsed));
  if (parsed === null || faults.length > 0) return { ok: false, faults };
  const stored = toJson(parsed);
  if (stored.ok) return { ok: true, definition: parsed };
  const message = `Expected what JSON and PostgreSQL can keep, found ${stored.found}.`;
  return { ok: false, faults: [{ code: 'malformed', path: stored.path, message }] };
}
