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

/** All are written before it throws: one that has not scored what is required is a draft. @throws GraphInvalid, PermissionDenied, ScoreMissing, ScoreTooLow */
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
    const options = { tenant, taskQueue: queue, definitions, actor: actorOf(caller), permit };
    const written = await publishGraphs(stores.database, options);
    const missed = written.find((version) => version.missed !== null)?.missed ?? null;
    if (missed !== null) throw missed;
  },
});
