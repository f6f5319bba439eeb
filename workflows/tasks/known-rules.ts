import { EXECUTION_RULES } from '../../domain/tasks/execution.ts';

/**
 * Leaves an execution under the rules of a later release to workers of that release: a plain error keeps the workflow
 * task open until one of them takes it, and nothing is lost.
 */
export function requireKnown(rules = 1): void {
  if (rules <= EXECUTION_RULES) return;
  throw new Error(`This worker knows the rules up to ${EXECUTION_RULES}; the task started under rules ${rules}.`);
}
