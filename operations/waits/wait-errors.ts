import { MusterError } from '../../domain/errors.ts';
import type { RunPath } from '../../domain/traces/path.ts';

/** Nothing of the task asks for these values now. Nothing was changed. */
export class NothingAsked extends MusterError {
  readonly code = 'nothing_asked';
  /** @param paths of the runs that ask; an answer that names none is for the only one */
  constructor(taskId: string, path: RunPath | undefined, paths: readonly RunPath[]) {
    const who = paths.length === 0 ? 'nothing of it asks for an input' : `these ask: ${paths.join(', ')}`;
    const what = path === undefined ? 'cannot be answered without a path' : `asks nothing at ${path}`;
    super(`The task ${taskId} ${what}; ${who}. Nothing was changed.`, { taskId, path: path ?? null });
  }
}

/** A value does not answer what is asked. Nothing was changed, and the task still waits. */
export class AnswerInvalid extends MusterError {
  readonly code = 'answer_invalid';
  constructor(taskId: string, fault: string) {
    super(`The answer cannot be used: ${fault} Nothing was changed, and the task still waits.`, { taskId });
  }
}
