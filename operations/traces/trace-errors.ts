import { MusterError } from '../../domain/errors.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';

/** The task has no trace of this number: it was never opened, or retention has removed it. */
export class TraceUnknown extends MusterError {
  readonly code = 'trace_unknown';
  constructor({ id, traceCount }: Pick<TaskRecord, 'id' | 'traceCount'>, number: number) {
    super(`The task ${id} has no trace ${number}: ${whyNone(traceCount, number)}.`, { taskId: id, trace: number });
  }
}

function whyNone(traceCount: number, number: number): string {
  if (traceCount === 0) return 'it has not begun';
  return number > traceCount ? `its newest trace is ${traceCount}` : 'retention has removed it';
}

/** What is asked of the trace can be said of one that has ended only. */
export class TraceNotEnded extends MusterError {
  readonly code = 'trace_not_ended';
  constructor(taskId: string, number: number) {
    super(`Trace ${number} of the task ${taskId} has not ended. \`muster why ${taskId}\` says what it waits for.`, {
      taskId,
      trace: number,
    });
  }
}
