import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { GraphUnknown } from '../operation-errors.ts';
import { versionNumber } from './graph-fields.ts';
import { graphHead } from './graph-head.ts';

const READ = { effect: 'read', risk: 'read_only', permission: 'graphs:read', unit: 'tenant' } as const;

/** One version of a graph. */
export interface GraphVersionInput {
  readonly graph: string;
  readonly version: number;
}

export const listGraphs = defineOperation({
  ...READ,
  name: 'graphs.list',
  summary: 'Lists the active version of each graph.',
  input: {},
  handle: ({ em, caller }) => new GraphRepository(em).listActive(caller.tenant),
});

/** @throws GraphUnknown, GraphVersionUnknown */
export const showGraph = defineOperation({
  ...READ,
  name: 'graphs.show',
  summary: 'Shows the definition of a graph: that of its active version, or of another one.',
  input: { graph: text(), version: versionNumber.optional() },
  async handle({ em, caller, stores }, { graph, version }: { readonly graph: string; readonly version?: number }) {
    const head = await graphHead(em, caller.tenant, { name: graph, version });
    return { ...head, definition: await stores.graphs.get(caller.tenant, head.id) };
  },
});

/** @throws GraphUnknown */
export const listVersions = defineOperation({
  ...READ,
  name: 'graphs.versions',
  summary: 'Lists the versions of a graph, the newest first, each with its state.',
  input: { graph: text() },
  async handle({ em, caller }, { graph }: { readonly graph: string }) {
    const graphs = new GraphRepository(em);
    const own = await graphs.versions(caller.tenant, graph);
    const versions = own.length > 0 ? own : await graphs.versions(SYSTEM_TENANT, graph);
    if (versions.length === 0) throw new GraphUnknown(graph, await graphs.listActive(caller.tenant));
    return versions;
  },
});
