import { CancellationScope, currentUpdateInfo, setHandler, workflowInfo } from '@temporalio/workflow';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { decisionActivity } from '../activities.ts';
import type { StepGate } from './step-gate.ts';
import {
  answerUpdate,
  approvalDecidedSignal,
  budgetGrantedSignal,
  decideApprovalUpdate,
  movingSignal,
  pauseSignal,
  resumeSignal,
  statusQuery,
  type TaskProgress,
  waitEndedSignal,
} from './task-messages.ts';

/** What messages reach of an execution. */
export interface Listener {
  readonly execution: ExecutionRef;
  readonly gate: StepGate;
  setPaused(paused: boolean): void;
  progress(): TaskProgress;
}

/** Takes the messages of a task's workflow: see task-messages.ts. */
export function listen({ execution, gate, setPaused, progress }: Listener): void {
  setHandler(pauseSignal, () => setPaused(true));
  setHandler(resumeSignal, () => setPaused(false));
  setHandler(approvalDecidedSignal, (approvalId) => gate.decide(approvalId));
  setHandler(waitEndedSignal, (waitId) => gate.decide(waitId));
  setHandler(movingSignal, () => gate.move(true));
  setHandler(budgetGrantedSignal, () => gate.grant());
  setHandler(decideApprovalUpdate, (decision) => decide(execution, decision));
  setHandler(answerUpdate, (answer) => answerIn(execution, answer));
  setHandler(statusQuery, progress);
}

/** The longest key of a call. */
const MOST_KEY = 255;

/** A decision is written whatever becomes of the task meanwhile. */
function decide({ tenant }: ExecutionRef, decision: unknown) {
  const { id, key } = updateKey();
  return CancellationScope.nonCancellable(() => decisionActivity(id).decideInTemporal({ tenant, key, decision }));
}

/** So is an answer. */
function answerIn({ tenant, taskId }: ExecutionRef, answer: unknown) {
  const { id, key } = updateKey();
  return CancellationScope.nonCancellable(() => decisionActivity(id).answerInTemporal({ tenant, key, taskId, answer }));
}

function updateKey() {
  const { id = '' } = currentUpdateInfo() ?? {};
  return { id, key: `${workflowInfo().workflowId}/${id}`.slice(-MOST_KEY) };
}
