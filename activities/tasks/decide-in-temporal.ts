import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { AnsweredWait } from '../../domain/tasks/run-waits.ts';
import type { DecidedApproval } from '../../domain/tools/approval-words.ts';
import { decideApproval } from '../../operations/approvals/decide.ts';
import { callOperation } from '../../operations/call.ts';
import { serviceCaller } from '../../operations/caller.ts';
import { answerTask } from '../../operations/waits/answer.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failing } from '../failure.ts';

/** An update of a workflow by which somebody ends a wait. */
interface TemporalUpdate {
  readonly tenant: TenantId;
  /** Of the update: what is sent again under its id has been done already. */
  readonly key: string;
}

/** A decision that came as such an update. */
export interface TemporalDecision extends TemporalUpdate {
  /** As the operation reads it. It comes from outside. */
  readonly decision: unknown;
}

/** The same of an answer. */
export interface TemporalAnswer extends TemporalUpdate {
  readonly taskId: TaskId;
  readonly answer: unknown;
}

/** Decides on a call that waits for a person, for people who work in Temporal: its access is theirs to guard. */
export function decideInTemporal(
  { stores }: ActivityDependencies,
  { tenant, key, decision }: TemporalDecision,
): Promise<DecidedApproval> {
  return failing(async () => {
    const caller = serviceCaller(tenant, 'temporal');
    const { id, state, agent, tool } = await callOperation(decideApproval, { caller, stores, key }, decision ?? {});
    return { id, state, agent, tool };
  });
}

/** Answers what a node of the workflow's task asks for, in the same way. */
export function answerInTemporal(
  { stores }: ActivityDependencies,
  { tenant, key, taskId, answer }: TemporalAnswer,
): Promise<AnsweredWait> {
  return failing(async () => {
    const caller = serviceCaller(tenant, 'temporal');
    const input = { ...Object(answer), id: taskId };
    const { path, missing } = await callOperation(answerTask, { caller, stores, key }, input);
    return { path, missing: missing.map(({ name }) => name) };
  });
}
