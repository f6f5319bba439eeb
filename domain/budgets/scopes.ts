import { isUuid, type TaskId } from '../ids.ts';
import { textFault } from '../json.ts';
import type { ExecutionRef } from '../tasks/execution.ts';
import { parentOfPath, parsePath, type RunPath } from '../traces/path.ts';

/** What can have a budget, from the outermost to the innermost. */
export const BUDGET_SCOPE_KINDS = ['tenant', 'user', 'conversation', 'task', 'sub-graph'] as const;
export type BudgetScopeKind = (typeof BUDGET_SCOPE_KINDS)[number];

/** What has a budget, within a tenant: `tenant`, `user:NAME`, `conversation:NAME`, `task:ID`, or `task:ID/PATH`. */
export type BudgetScope = 'tenant' | `${'user' | 'conversation' | 'task'}:${string}`;

export const TENANT_SCOPE: BudgetScope = 'tenant';
export const userScope = (user: string): BudgetScope => `user:${user}`;
export const conversationScope = (conversation: string): BudgetScope => `conversation:${conversation}`;
export const taskScope = (task: TaskId): BudgetScope => `task:${task}`;
/** @param container the path of the container whose runs count */
export const subGraphScope = (task: TaskId, container: RunPath): BudgetScope => `task:${task}/${container}`;

/** A scope in its parts. */
export interface BudgetScopeParts {
  readonly kind: BudgetScopeKind;
  /** The task of a task's scope or a sub-graph's; otherwise null. */
  readonly task: TaskId | null;
}

const MOST_NAME_CHARACTERS = 255;
const MOST_CHARACTERS = 1_000;

/** Reads a scope. Null for text that is none. */
export function readBudgetScope(text: string): BudgetScopeParts | null {
  if (text === TENANT_SCOPE) return { kind: 'tenant', task: null };
  const [, kind, name = ''] = /^(user|conversation|task):(.+)$/s.exec(text) ?? [];
  if (kind === 'user' || kind === 'conversation') {
    return name.length > MOST_NAME_CHARACTERS || textFault(name) !== null ? null : { kind, task: null };
  }
  const [task = '', ...path] = name.split('/');
  if (kind === undefined || !isUuid(task)) return null;
  if (path.length === 0) return { kind: 'task', task: task as TaskId };
  const isPath = text.length <= MOST_CHARACTERS && parsePath(path.join('/')) !== null;
  return isPath ? { kind: 'sub-graph', task: task as TaskId } : null;
}

/** The place of a scope in the order in which budgets are locked: 1 for the tenant, 5 for a sub-graph. */
export function levelOfScope(scope: BudgetScope): number {
  const parts = readBudgetScope(scope);
  return parts === null ? BUDGET_SCOPE_KINDS.length : BUDGET_SCOPE_KINDS.indexOf(parts.kind) + 1;
}

/**
 * The scopes that a run counts against, outermost first: the tenant, the user, the conversation, the task, and every
 * container around the run. The budgets of tasks that led to this one are found by the reservation itself.
 */
export function budgetScopesOf(
  { taskId, user, conversation }: Pick<ExecutionRef, 'taskId' | 'user' | 'conversation'>,
  path: RunPath,
): BudgetScope[] {
  const containers: BudgetScope[] = [];
  for (let at = parentOfPath(path); at !== null; at = parentOfPath(at)) containers.unshift(subGraphScope(taskId, at));
  return [
    TENANT_SCOPE,
    ...(user === null ? [] : [userScope(user)]),
    ...(conversation === undefined ? [] : [conversationScope(conversation)]),
    taskScope(taskId),
    ...containers,
  ];
}

/** What a spawned task has above it. */
export interface Lineage {
  /** The scopes of those above, in which its calls count too. */
  readonly scopes: readonly BudgetScope[];
  /** How many tasks stand above it. */
  readonly depth: number;
}
