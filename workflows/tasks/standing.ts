import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { rulesOf } from '../../domain/graphs/kinds/kind-table.ts';
import { nodeOfRun } from '../../domain/graphs/scope.ts';
import type { ExecutionState } from '../../domain/tasks/execution.ts';
import type { OpenTaskStatus } from '../../domain/tasks/task-status.ts';
import type { RunPath } from '../../domain/traces/path.ts';

/** What of an execution's state says how PostgreSQL has the task. */
type Written = Pick<ExecutionState, 'pauseWritten' | 'waitWritten' | 'inputWritten'>;

/** How a task stands of which `running` runs are under way: it waits while all of these do, for an approval if one does. */
export function standingOf(
  plan: GraphDefinition,
  {
    paused,
    running,
    waiting,
  }: { readonly paused: boolean; readonly running: number; readonly waiting: readonly RunPath[] },
): OpenTaskStatus {
  if (paused) return 'paused';
  if (waiting.length === 0 || waiting.length !== running) return 'in_progress';
  const ways = waiting.map((path) => rulesOf(nodeOfRun(plan, path).kind).waitsAs ?? 'waiting_approval');
  return ways.includes('waiting_approval') ? 'waiting_approval' : 'waiting_input';
}

/** The status that PostgreSQL has. */
export function writtenStanding({ pauseWritten, waitWritten, inputWritten }: Written): OpenTaskStatus {
  if (pauseWritten) return 'paused';
  if (!waitWritten) return 'in_progress';
  return inputWritten === true ? 'waiting_input' : 'waiting_approval';
}

/** What is noted once a status is written. */
export function writtenAs(status: OpenTaskStatus): Written {
  const waits = status === 'waiting_approval' || status === 'waiting_input';
  return { pauseWritten: status === 'paused', waitWritten: waits, inputWritten: status === 'waiting_input' };
}
