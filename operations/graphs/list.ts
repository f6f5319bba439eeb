import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { GraphUnknown } from '../operation-errors.ts';

export const listGraphs = defineOperation({
  name: 'graphs.list',
  summary: 'Lists the newest published version of each graph.',
  effect: 'read',
  risk: 'read_only',
  permission: 'graphs:read',
  unit: 'tenant',
  input: {},
  handle: ({ em, caller }) => new GraphRepository(em).listNewest(caller.tenant),
});

/** @throws GraphUnknown */
export const showGraph = defineOperation({
  name: 'graphs.show',
  summary: 'Shows the definition of the newest published version of a graph.',
  effect: 'read',
  risk: 'read_only',
  permission: 'graphs:read',
  unit: 'tenant',
  input: { graph: text() },
  async handle({ em, caller, stores }, { graph: name }: { readonly graph: string }) {
    const graphs = new GraphRepository(em);
    const head = await graphs.newest(caller.tenant, name);
    if (head !== null) return { ...head, definition: await stores.graphs.get(caller.tenant, head.id) };
    throw new GraphUnknown(name, await graphs.listNewest(caller.tenant));
  },
});
