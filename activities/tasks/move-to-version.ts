import { planOf } from '../../domain/graphs/plan.ts';
import type { ExecutionRef, MovedVersion } from '../../domain/tasks/execution.ts';
import { settleMove } from '../../operations/graphs/move-task-graph.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failing } from '../failure.ts';

export interface MoveToVersionInput {
  readonly execution: ExecutionRef;
}

/**
 * Moves a task whose workflow has come to rest to the version that it was told of, if it still may. Null: it keeps its own.
 * Repeated after a lost report it finds the move made.
 */
export function moveToVersion(
  deps: ActivityDependencies,
  { execution }: MoveToVersionInput,
): Promise<MovedVersion | null> {
  return failing(async () => {
    const { tenant } = execution;
    const graphId = await deps.database.inTenant(tenant, ({ em }) =>
      settleMove({ em, graphs: deps.graphs }, execution),
    );
    if (graphId === execution.graphId) return null;
    return { graphId, plan: planOf(await deps.graphs.get(tenant, graphId)) };
  });
}
