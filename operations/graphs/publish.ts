import { z } from 'zod';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { taskQueue } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { defineOperation } from '../define.ts';
import { publishGraphs } from './publish-graphs.ts';
import { requireGranted } from './require-granted.ts';

export interface PublishInput {
  readonly definitions: readonly GraphDefinition[];
  readonly taskQueue?: string;
}

const MAX_GRAPHS = 10_000;

/** @throws GraphInvalid, PermissionDenied */
export const publish = defineOperation({
  name: 'graphs.publish',
  summary: 'Publishes graphs of the tenant: each becomes the active version of its name.',
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
    const { taskQueue: queue = stores.defaultTaskQueue } = given;
    const permit = (definition: GraphDefinition) => requireGranted(caller, definition, stores);
    const { tenant } = caller;
    await publishGraphs(stores.database, { tenant, taskQueue: queue, definitions, actor: actorOf(caller), permit });
  },
});
