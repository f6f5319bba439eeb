import { readFileSync, writeFileSync } from 'node:fs';
import { graphSvg } from '../cli/graphs/graph-svg.ts';
import { compileGraph } from '../domain/graphs/documents/compile-graph.ts';
import { parseDocument } from '../domain/graphs/documents/parse-document.ts';

/** Draws docs/kinds.yaml: a picture for each kind of node, by its path. @throws Error for a graph that is none */
export function kindPictures(): ReadonlyMap<string, string> {
  const parsed = parseDocument(readFileSync(new URL('../docs/kinds.yaml', import.meta.url), 'utf8'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const pictures = parsed.graphs.map((graph) => {
    const compiled = compileGraph(
      graph,
      () => ({ quick: false, thinks: false }),
      () => [],
    );
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
    return [`docs/images/kinds/${compiled.definition.name}.svg`, graphSvg(compiled.definition)] as const;
  });
  return new Map(pictures);
}

if (import.meta.main) {
  for (const [path, picture] of kindPictures()) writeFileSync(new URL(`../${path}`, import.meta.url), picture);
}
