import { MusterError } from '../../domain/errors.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';

/** The task has no trace of this number: it was never opened, or retention has removed it. */
export class TraceUnknown extends MusterError {
  readonly code = 'trace_unknown';
  constructor({ id, traceCount }: Pick<TaskRecord, 'id' | 'traceCount'>, number: number) {
    const had = traceCount === 0 ? 'It has not begun' : `It has had ${traceCount}, and retention removes old ones`;
    super(`The task ${id} has no trace ${number}. ${had}.`, { taskId: id, trace: number });
  }
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
