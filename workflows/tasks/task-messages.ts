import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { NodeState } from '../../domain/graphs/graph-state.ts';
import { BUDGET_GRANTED_SIGNAL, TASK_MOVING } from '../../domain/tasks/execution.ts';
import { type AnsweredWait, WAIT_ENDED } from '../../domain/tasks/run-waits.ts';
import { APPROVAL_DECIDED, type DecidedApproval } from '../../domain/tools/approval-words.ts';

/** The answer of the query `status`: the progress of a running task, read from the workflow itself. */
export interface TaskProgress {
  readonly paused: boolean;
  readonly nodes: Readonly<Record<string, NodeState>>;
}

/** A signal, because it needs no answer and must reach a task whose worker is unavailable. Idempotent. */
export const pauseSignal = defineSignal('pause');
/** Undoes {@link pauseSignal}. Idempotent. */
export const resumeSignal = defineSignal('resume');
/**
 * A person has decided on a call of a tool: who waits for it looks again. It may come twice, and before the wait. Where the
 * approval has expired meanwhile nobody is told.
 */
export const approvalDecidedSignal = defineSignal<[approvalId: string]>(APPROVAL_DECIDED);
/**
 * Decides on a call of a tool that waits for a person, as the operation `approvals.decide`, whose input it takes: for people
 * who work in Temporal. Who sends it again under its id has decided already.
 * @throws what the operation throws, with its code as the type
 */
export const decideApprovalUpdate = defineUpdate<DecidedApproval, [decision: unknown]>('decideApproval');
/**
 * The task is to move to another version of its graph: it does once nothing of it runs. It may come twice, and after the move.
 */
export const movingSignal = defineSignal(TASK_MOVING);
/** What a node waits for is there: who waits looks again. It may come twice, and before the wait. */
export const waitEndedSignal = defineSignal<[waitId: string]>(WAIT_ENDED);
/**
 * Answers what a node of the task asks for, as the operation `tasks.answer`, of which it takes `values` and `path`: for people
 * who work in Temporal. Who sends it again under its id has answered already.
 * @throws what the operation throws, with its code as the type
 */
export const answerUpdate = defineUpdate<AnsweredWait, [answer: unknown]>('answer');
/** A budget has room again: runs that wait for room ask anew. It may come twice, and where none waits. */
export const budgetGrantedSignal = defineSignal(BUDGET_GRANTED_SIGNAL);
/** Lists are read from PostgreSQL; this is the live state of one task. */
export const statusQuery = defineQuery<TaskProgress>('status');
