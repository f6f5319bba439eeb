import { z } from 'zod';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { diffGraphs } from '../../domain/graphs/diff-graphs.ts';
import { text } from '../../options/fields.ts';
import { OptionInvalid } from '../../options/parse-options.ts';
import { type CallInTenant, defineOperation } from '../define.ts';
import { compileDocument } from './compile-document.ts';
import { documentText, versionNumber } from './graph-fields.ts';
import { graphHead } from './graph-head.ts';

/** A graph: its active version, another one, or what a document says. */
export interface GraphReference {
  /** Its name. A document that has one graph needs none. */
  readonly graph?: string;
  readonly version?: number;
  readonly document?: string;
}

export interface DiffInput {
  readonly from: GraphReference;
  readonly to: GraphReference;
}

const reference: z.ZodType<GraphReference> = z.strictObject({
  graph: text().optional(),
  version: versionNumber.optional(),
  document: documentText.optional(),
}) as z.ZodType<GraphReference>;

/** @throws GraphUnknown, GraphVersionUnknown, GraphInvalid */
export const diffVersions = defineOperation({
  name: 'graphs.diff',
  summary: 'Says in words what differs between two versions of a graph, or from what a document says.',
  effect: 'read',
  risk: 'read_only',
  permission: 'graphs:read',
  unit: 'tenant',
  input: { from: reference, to: reference },
  contradiction: ({ from, to }: DiffInput) => {
    const isNothing = [from, to].some(({ graph, document }) => graph === undefined && document === undefined);
    if (isNothing) return '`from` and `to` each need a `graph` or a `document`';
    const isBoth = [from, to].some(({ version, document }) => version !== undefined && document !== undefined);
    return isBoth ? 'a `document` has no `version`' : null;
  },
  async handle(call, { from, to }: DiffInput) {
    const [before, after] = [await definitionOf(call, from), await definitionOf(call, to)];
    return { from: before.name, to: after.name, changes: diffGraphs(before, after) };
  },
});

async function definitionOf(
  { em, caller, stores }: CallInTenant,
  { graph, version, document }: GraphReference,
): Promise<GraphDefinition> {
  if (document === undefined) {
    const head = await graphHead(em, caller.tenant, { name: graph ?? '', version });
    return stores.graphs.get(caller.tenant, head.id);
  }
  const definitions = await compileDocument(em, caller.tenant, document);
  const [only, ...others] = graph === undefined ? definitions : definitions.filter(({ name }) => name === graph);
  if (only !== undefined && others.length === 0) return only;
  const names = definitions.map(({ name }) => name).join(', ');
  throw new OptionInvalid('graphs.diff', [`\`graph\` must be one of the graphs of the document: ${names}`]);
}
