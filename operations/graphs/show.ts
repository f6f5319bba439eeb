import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { GraphUnknown } from '../operation-errors.ts';

/** The definition of the newest published version of a graph. @throws GraphUnknown */
export const showGraph = defineOperation({
  name: 'graphs.show',
  summary: 'Shows the definition of the newest published version of a graph.',
  effect: 'read',
  permission: 'graphs:read',
  unit: 'tenant',
  input: { graph: text() },
  async handle({ em, caller, stores }, { graph: name }: { readonly graph: string }) {
    const graphs = new GraphRepository(em);
    const head = await graphs.newest(caller.tenant, name);
    if (head !== null) return { ...head, definition: await stores.graphs.get(caller.tenant, head.id) };
    const published = await graphs.listNewest(caller.tenant);
    throw new GraphUnknown(
      name,
      published.map((known) => known.name),
    );
  },
});
