import { isCancellation } from '@temporalio/workflow';
import type { Step } from '../../../domain/graphs/run-state.ts';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import type { RunPath } from '../../../domain/traces/path.ts';
import { type ModelCallResult, modelActivity, runLabel, toolActivity } from '../../activities.ts';
import type { StepGate } from '../step-gate.ts';
import { type DrivenRun, runFailure } from './drive-activity.ts';

/** What a run that may wait asks of the execution that drives it. */
export interface GateControl {
  readonly execution: ExecutionRef;
  readonly closesTask: boolean;
  /** Where the run stands between two steps. Where it rests, it is driven again by the next workflow. */
  readonly gate: StepGate;
}

/**
 * Drives a thinking run: a model call, the tools that it asks for, and again, until the run has its end. What comes next is
 * always read from the rows, so nothing is carried over when the workflow continues as new. Calls `ended` with any end and
 * never rejects; a run that rests has none.
 */
export function driveThinking(step: Step, control: GateControl, ended: (run: DrivenRun) => void): void {
  think(step, control).then(
    (done) => done !== null && ended({ ...done, failure: null, cancelled: false }),
    (error: unknown) => ended({ ...runFailure(step.path, error), closed: null, cancelled: isCancellation(error) }),
  );
}

type Ended = Pick<DrivenRun, 'result' | 'closed'>;

async function think(step: Step, control: GateControl): Promise<Ended | null> {
  const { path, node } = step;
  const { execution, closesTask, gate } = control;
  for (let call = 1; await gate.untilMayContinue(path); call += 1) {
    const id = `${path}#${call}`;
    const { grants } = gate;
    const next = await modelActivity(id, path, node).callModel({ execution, nodeId: path, closesTask });
    if (next.kind === 'ended') return { result: next.result, closed: next.closed };
    const rests = next.kind === 'waits' && !(await gate.room(path, grants));
    if (rests) {
      gate.rest(path);
      return null;
    }
    if (next.kind === 'tools' && !(await callTools(step, control, { id, ...next }))) return null;
  }
  return null;
}

type Asked = Extract<ModelCallResult, { readonly kind: 'tools' }> & { readonly id: string };

/**
 * Carries out the groups one after the other, the calls of a group side by side. All of a group end before one fails.
 * @returns false where the run rests before all are done
 */
async function callTools(
  step: Step,
  { execution, gate }: GateControl,
  { id, step: number, groups }: Asked,
): Promise<boolean> {
  for (const group of groups) {
    const calls = group.map(({ index, timeoutMs }) => {
      const label = `${runLabel(step.path, step.node)}, step ${number}, call ${index + 1}`;
      const call = { execution, nodeId: step.path, closesTask: false as const, step: number, index };
      return untilDone(step.path, gate, () => toolActivity(`${id}.${index}`, label, timeoutMs).callTool(call));
    });
    const ends = await Promise.allSettled(calls);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    if (ends.some((end) => end.status === 'fulfilled' && !end.value)) {
      gate.rest(step.path);
      return false;
    }
    gate.noteContinued(step.path);
  }
  return true;
}

type ToolCallResult = Awaited<ReturnType<ReturnType<typeof toolActivity>['callTool']>>;

/**
 * A call that a person has to allow is looked at again when they have decided, and when their time is over.
 * @returns false where the run rests before it is done
 */
async function untilDone(path: RunPath, gate: StepGate, call: () => Promise<ToolCallResult>): Promise<boolean> {
  for (let made = await call(); made.kind === 'waits'; made = await call()) {
    if (!(await gate.decision(path, made))) return false;
  }
  return true;
}
