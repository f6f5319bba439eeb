import type { Failure } from './execution.ts';
import type { TaskStatus } from './task-status.ts';

/**
 * The code of the failure that makes a task a dead letter. Null for any other end: a completed task has its output, and
 * a cancelled one ended on request.
 */
export function deadLetterReason(status: TaskStatus, failure: Failure | null): string | null {
  return status === 'failed' ? (failure?.code ?? 'task_failed') : null;
}

/**
 * The outcome of redriving a task. `redriven`: it waits again, or is blocked by its dependencies; a dry run says
 * `redrivable` instead. `not_dead`: it waits, runs, or ended otherwise, and stays as it is. `dependency_dead`: a task
 * that it depends on is dead or cancelled and is not redriven with it, so it would fail again at once; it stays dead.
 * `trace_pruned`: it is a fork, and retention has removed runs that it took over, so these would run again; it stays dead.
 * `unknown`: the tenant has no such task.
 */
const REDRIVE_OUTCOMES = ['redriven', 'redrivable', 'not_dead', 'dependency_dead', 'trace_pruned', 'unknown'] as const;
export type RedriveOutcome = (typeof REDRIVE_OUTCOMES)[number];

/**
 * What a redriven task does with the effects that its earlier traces recorded. `keep`: completed effects return their
 * recorded results and are not called again. `repeat`: all effects are called again, under new keys.
 */
export const REDRIVE_EFFECTS = ['keep', 'repeat'] as const;
export type RedriveEffects = (typeof REDRIVE_EFFECTS)[number];
