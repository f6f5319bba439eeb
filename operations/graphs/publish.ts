import { z } from 'zod';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { GraphInvalid, graphFault } from '../../domain/graphs/graph-faults.ts';
import { allNodes, handlerNameOf } from '../../domain/graphs/kinds/kind-table.ts';
import { NAME_PATTERN } from '../../domain/graphs/names.ts';
import { validateGraph } from '../../domain/graphs/validate-graph.ts';
import { taskQueue } from '../../options/fields.ts';
import { actorOf, type Caller, PermissionDenied } from '../caller.ts';
import { defineOperation } from '../define.ts';
import type { Stores } from '../stores.ts';
import { graphNameOf, publishGraphs } from './publish-graphs.ts';

export interface PublishInput {
  readonly definitions: readonly GraphDefinition[];
  readonly taskQueue?: string;
}

const MAX_GRAPHS = 10_000;

/** @throws GraphInvalid, PermissionDenied */
export const publish = defineOperation({
  name: 'graphs.publish',
  summary: 'Publishes graphs of the tenant.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'graphs:publish',
  unit: 'none',
  input: {
    // Definitions come from anywhere: what publishes them checks them whole.
    definitions: z
      .custom<readonly GraphDefinition[]>((value) => Array.isArray(value) && value.length <= MAX_GRAPHS, {
        error: `a list of at most ${MAX_GRAPHS} graph definitions`,
      })
      .meta({ type: 'array', maxItems: MAX_GRAPHS, items: { type: 'object' } }),
    taskQueue: taskQueue.optional(),
  },
  async handle({ caller, stores }, { definitions, ...given }: PublishInput) {
    for (const definition of definitions) requireGranted(caller, definition, stores);
    const { taskQueue: queue = stores.defaultTaskQueue } = given;
    const { tenant } = caller;
    await publishGraphs(stores.database, { tenant, taskQueue: queue, definitions, actor: actorOf(caller) });
  },
});

/**
 * A node may do what its operation needs: so a graph that names one is published only by a caller who may do that too.
 * @throws GraphInvalid, PermissionDenied
 */
function requireGranted(caller: Caller, definition: GraphDefinition, { permissionOf }: Stores): void {
  const checked = validateGraph(definition);
  if (!checked.ok) throw new GraphInvalid(graphNameOf(definition), checked.faults);
  for (const node of allNodes(checked.definition)) {
    const name = handlerNameOf(node);
    if (name === null || NAME_PATTERN.test(name)) continue;
    const permission = permissionOf(name);
    if (permission === null) {
      const message = `Node "${node.id}" has the operation ${name} as its tool, and there is none of this name.`;
      throw new GraphInvalid(definition.name, [graphFault('name_invalid', ['nodes', node.id], message)]);
    }
    if (!caller.permissions.has(permission)) throw new PermissionDenied(caller, name, permission);
  }
}
