import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import type { RunLeft } from './notes.ts';

/** A run as a statement is given it that writes how it stands. */
export interface GivenRun {
  readonly taskId: TaskId;
  readonly fence: number;
  readonly traceId: TraceId;
  readonly nodeId: string;
  readonly status: string;
  readonly attempts: number;
  readonly failures: number;
  readonly outcome: string | null;
  readonly output: string | null;
  readonly outputArtifactId: string | null;
  readonly errorCode: string | null;
  readonly errorText: string | null;
}

/** Its columns, for `givenRows`. */
export const GIVEN_RUN = {
  ...({ taskId: 'uuid', fence: 'bigint', traceId: 'uuid', nodeId: 'text', status: 'text' } as const),
  ...({ attempts: 'int', failures: 'int', outcome: 'text', output: 'text', outputArtifactId: 'uuid' } as const),
  ...({ errorCode: 'text', errorText: 'text' } as const),
};

export function givenRun(execution: ExecutionRef, run: RunLeft): GivenRun {
  return {
    taskId: execution.taskId,
    fence: execution.fence,
    traceId: execution.traceId,
    nodeId: run.nodeId,
    status: run.status,
    attempts: run.attempts,
    failures: run.failures,
    outcome: run.outcome,
    output: run.output.json,
    outputArtifactId: run.output.artifactId,
    errorCode: run.error?.code ?? null,
    errorText: run.error?.message ?? null,
  };
}
