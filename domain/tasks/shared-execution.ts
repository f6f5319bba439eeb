import type { GraphDefinition } from '../graphs/definition.ts';
import { isQuick, MAX_STRETCH_STEPS } from '../graphs/drive-quick.ts';
import { allNodes, budgetOf, isContainer } from '../graphs/kinds/kind-table.ts';
import type { TaskId } from '../ids.ts';
import type { TerminalTaskStatus } from './task-status.ts';

/** The most tasks that one execution carries. */
export const MAX_SHARED = 200;

/** The argument of the workflow `executeTasks`: which tasks it carries. What they are is in their rows. */
export interface ExecuteTasksInput {
  readonly tasks: readonly TaskId[];
  /** How long the handlers of the longest of them may take. Milliseconds. */
  readonly handlersMs: number;
  /** See `EXECUTION_RULES`. */
  readonly rules: number;
}

/** How many tasks ended so, and how many continue in executions of their own. */
export type ExecuteTasksResult = Readonly<Partial<Record<TerminalTaskStatus | 'left', number>>>;

/** Whether tasks of a graph may share an execution: nothing of it needs an activity of its own. */
export function isShareable(definition: GraphDefinition): boolean {
  return allNodes(definition).every(isQuick);
}

/** How long all handlers of such a graph may take, one after the other. Milliseconds. */
export function handlersMs(definition: GraphDefinition): number {
  const rounds = definition.nodes.some(isContainer) ? MAX_STRETCH_STEPS : 1;
  const budgets = allNodes(definition).map(budgetOf);
  return budgets.reduce((sum, { timeoutMs, maxRetries }) => sum + timeoutMs * (maxRetries + 1) * rounds, 0);
}
