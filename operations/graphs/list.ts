import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { defineOperation } from '../define.ts';

/** The newest published version of each graph that the tenant may use. */
export const listGraphs = defineOperation({
  name: 'graphs.list',
  summary: 'Lists the newest published version of each graph.',
  effect: 'read',
  permission: 'graphs:read',
  unit: 'tenant',
  input: {},
  handle: ({ em, caller }) => new GraphRepository(em).listNewest(caller.tenant),
});
