import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Json } from '../../domain/json.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { ChildRepository } from '../../entities/waits/child-repository.ts';
import type { WaitPlace } from '../../entities/waits/wait-repository.ts';
import { ChildTooDeep, GraphUnknown } from '../operation-errors.ts';
import type { Stores } from '../stores.ts';
import { asInput } from './check-input.ts';
import { TaskPreparer } from './prepare-task.ts';
import { requireTask } from './read.ts';
import type { PreparedTask } from './write-tasks.ts';

/** Larger than any output of a node can become. */
const MOST_INPUT_BYTES = 10_000_000;
/** How many tasks may stand above a child: a graph that runs itself ends here. */
const MOST_ABOVE = 8;

/**
 * Makes the task that a node runs its graph as, and writes nothing. It has the priority of its parent and counts in its
 * budgets. It belongs to no user: the tasks of one never overlap, and the parent waits for it.
 * @throws GraphUnknown, InputInvalid, InputTooLarge, ChildTooDeep
 */
export async function prepareChild(
  em: SqlEntityManager,
  { database }: Pick<Stores, 'database'>,
  { place, graphName, input }: { readonly place: WaitPlace; readonly graphName: string; readonly input: Json },
): Promise<PreparedTask> {
  const { tenantId: tenant, taskId } = place;
  if ((await new ChildRepository(em).above(taskId, MOST_ABOVE)) >= MOST_ABOVE) throw new ChildTooDeep(MOST_ABOVE);
  const graphs = new GraphRepository(em);
  const graph = await graphs.head(tenant, graphName);
  if (graph === null) throw new GraphUnknown(graphName, await graphs.listActive(tenant));
  const { priority } = await requireTask(em, tenant, taskId);
  const preparer = new TaskPreparer(tenant, { database, maxInputBytes: MOST_INPUT_BYTES });
  const options = { title: `${graphName} of ${taskId}/${place.path}`, priority, parent: taskId };
  return preparer.ofGraph(graph)(asInput(input), options);
}
