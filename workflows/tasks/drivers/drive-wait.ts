import { isCancellation } from '@temporalio/workflow';
import type { Step } from '../../../domain/graphs/run-state.ts';
import { lookActivity } from '../../activities.ts';
import { type DrivenRun, runFailure } from './drive-activity.ts';
import type { GateControl } from './drive-thinking.ts';

/**
 * Drives a run that waits: a look at its rows, and another one whenever the workflow is told of its wait or its time is over,
 * until it has its end. All that it goes by is in rows, so nothing is carried over when the workflow continues as new. Calls
 * `ended` with any end and never rejects; a run that rests has none.
 */
export function driveWait(step: Step, control: GateControl, ended: (run: DrivenRun) => void): void {
  look(step, control).then(
    (done) => done !== null && ended({ ...done, failure: null, cancelled: false }),
    (error: unknown) => ended({ ...runFailure(step.path, error), closed: null, cancelled: isCancellation(error) }),
  );
}

async function look(
  { path, node }: Step,
  { execution, closesTask, gate }: GateControl,
): Promise<Pick<DrivenRun, 'result' | 'closed'> | null> {
  const { lookAtWait } = lookActivity(path, node);
  for (;;) {
    const found = await lookAtWait({ execution, nodeId: path, closesTask });
    if (found.kind === 'ended') return { result: found.result, closed: found.closed };
    if (!(await gate.told(path, found))) {
      gate.rest(path);
      return null;
    }
  }
}
