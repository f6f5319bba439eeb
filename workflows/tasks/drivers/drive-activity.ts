import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';
import type { Step } from '../../../domain/graphs/run-state.ts';
import type { ExecutionRef, Failure, NodeResult } from '../../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../../domain/tasks/task-status.ts';
import type { RunPath } from '../../../domain/traces/path.ts';
import { nodeActivity } from '../../activities.ts';

/** The end of a run that had its own activity. */
export interface DrivenRun {
  readonly result: NodeResult;
  /** Set when the task's end was written in the same transaction. */
  readonly closed: TerminalTaskStatus | null;
  /** Why it failed; null for one that did not. */
  readonly failure: Failure | null;
  readonly cancelled: boolean;
}

/**
 * Drives runs in activities: one for each run, under the run's path. Calls `ended` with any end and never rejects. A
 * callback instead of a promise, because the SDK's hook runs for every promise of a workflow.
 *
 * @param closesTask whether the task is complete once this run is, so that one transaction can write both
 */
export function driveActivity(
  { path, node }: Step,
  { execution, closesTask }: { execution: ExecutionRef; closesTask: boolean },
  ended: (run: DrivenRun) => void,
): void {
  nodeActivity(path, node)
    .runNode({ execution, nodeId: path, closesTask })
    .then(
      (done) => ended({ ...done, failure: null, cancelled: false }),
      (error: unknown) => ended({ ...runFailure(path, error), closed: null, cancelled: isCancellation(error) }),
    );
}

/** The failure that an activity reports of its run, with details by `activities/failure.ts`. */
export function runFailure(path: RunPath, error: unknown): { result: NodeResult; failure: Failure } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const application = cause instanceof ApplicationFailure ? cause : null;
  const [details] = (application?.details ?? []) as [{ result?: NodeResult }?];
  return {
    result: details?.result ?? { id: path, status: 'fatal_error', attempts: 1 },
    failure: {
      code: application?.type ?? (isCancellation(error) ? 'handler_cancelled' : 'handler_crashed'),
      message: cause instanceof Error ? cause.message : 'the activity failed',
      node: path,
    },
  };
}
