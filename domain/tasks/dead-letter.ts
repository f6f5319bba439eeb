import type { Failure } from './execution.ts';
import type { TaskStatus } from './task-status.ts';

/**
 * Why a task that ends so is dead-lettered: the code of its failure. Null for an end that is none: a completed task has
 * its output, and a cancelled one ended as somebody wished.
 */
export function deadLetterReason(status: TaskStatus, failure: Failure | null): string | null {
  return status === 'failed' ? (failure?.code ?? 'task_failed') : null;
}

/**
 * What became of a task that was to be redriven. `redriven`: it waits again, or is blocked behind what it depends on.
 * `not_dead`: it waits, runs, or ended otherwise, and stays as it is. `dependency_dead`: something that it depends on is
 * dead or cancelled and is not redriven with it, so it would fail again at once; it stays dead. `unknown`: the tenant has
 * no such task.
 */
export const REDRIVE_OUTCOMES = ['redriven', 'not_dead', 'dependency_dead', 'unknown'] as const;
export type RedriveOutcome = (typeof REDRIVE_OUTCOMES)[number];

/**
 * What a redriven task does with the effects that its earlier traces recorded. `keep`: what is done answers from the
 * record and is not called again. `repeat`: all of them are made anew, under new keys.
 */
export const REDRIVE_EFFECTS = ['keep', 'repeat'] as const;
export type RedriveEffects = (typeof REDRIVE_EFFECTS)[number];
