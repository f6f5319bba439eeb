import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { compileGraph, MAX_FAULTS } from '../../domain/graphs/documents/compile-graph.ts';
import { parseDocument, type WrittenGraph } from '../../domain/graphs/documents/parse-document.ts';
import type { HandlerFacts } from '../../domain/graphs/documents/read-component.ts';
import { type GraphFault, GraphInvalid } from '../../domain/graphs/graph-faults.ts';
import type { TenantId } from '../../domain/ids.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { expandTemplates } from '../templates/expand.ts';
import { newGraphFaults } from './publish-graphs.ts';

/** What nothing is known of is carried out in an activity of its own. */
const UNKNOWN: HandlerFacts = { quick: false, thinks: false };

/**
 * The definitions of the graphs of a document, in its order.
 * @throws GraphInvalid with the faults of every graph, each with its line
 */
export async function compileDocument(
  em: SqlEntityManager,
  tenant: TenantId,
  document: string,
): Promise<readonly GraphDefinition[]> {
  const parsed = parseDocument(document);
  if (!parsed.ok) throw new GraphInvalid(null, parsed.faults);
  return compileGraphs(em, tenant, parsed.graphs);
}

/** The same of graphs that are read already. @throws GraphInvalid */
export async function compileGraphs(
  em: SqlEntityManager,
  tenant: TenantId,
  written: readonly WrittenGraph[],
): Promise<readonly GraphDefinition[]> {
  const { graphs, faults: unexpanded } = await expandTemplates(em, tenant, written);
  const known = await new GraphRepository(em).knownHandlers(tenant, namedHandlers(graphs));
  const compiled = graphs.map((graph) =>
    compileGraph(graph, (kind, name) => known.get(`${kind}:${name}`) ?? UNKNOWN, newGraphFaults),
  );
  const faults = [...unexpanded, ...compiled.flatMap((each) => (each.ok ? [] : each.faults)), ...repeatedNames(graphs)];
  if (faults.length > 0) {
    const more = compiled.reduce(
      (sum, each) => sum + (each.ok ? 0 : each.more),
      Math.max(0, faults.length - MAX_FAULTS),
    );
    throw new GraphInvalid(null, faults.slice(0, MAX_FAULTS), more);
  }
  return compiled.flatMap((each) => (each.ok ? [each.definition] : []));
}

/** The agents and tools that a document names, as `kind:name`: compiling it asks for each. */
function namedHandlers(graphs: readonly WrittenGraph[]): readonly string[] {
  const names = new Set<string>();
  const ask = (kind: string, name: string) => {
    names.add(`${kind}:${name}`);
    return UNKNOWN;
  };
  for (const graph of graphs) compileGraph(graph, ask, () => []);
  return [...names];
}

function repeatedNames(graphs: readonly WrittenGraph[]): readonly GraphFault[] {
  const names = new Set<string>();
  return graphs.flatMap(({ value: { name }, place }) => {
    if (typeof name !== 'string' || names.size < names.add(name).size) return [];
    const message = `Expected each graph once, found "${name}" again.`;
    return [place({ code: 'name_invalid', path: '', message }, ['name'])];
  });
}
