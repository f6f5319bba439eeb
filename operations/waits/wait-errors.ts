import { MusterError } from '../../domain/errors.ts';
import type { RunPath } from '../../domain/traces/path.ts';

/** Nothing of the task asks for these values now. Nothing was changed. */
export class NothingAsked extends MusterError {
  readonly code = 'nothing_asked';
  /** @param paths of the runs that ask; an answer that names none is for the only one */
  constructor(taskId: string, path: RunPath | undefined, paths: readonly RunPath[]) {
    super(`${reason(taskId, path, paths)} Nothing was changed.`, { taskId, path: path ?? null });
  }
}

function reason(taskId: string, path: RunPath | undefined, paths: readonly RunPath[]): string {
  if (paths.length === 0) return `No node of the task ${taskId} asks for an input.`;
  const asking = paths.join(', ');
  if (path === undefined) return `Several nodes of the task ${taskId} ask: name the path of one of ${asking}.`;
  return `The node ${path} of the task ${taskId} does not ask for an input; these do: ${asking}.`;
}

/** A value does not answer what is asked. Nothing was changed, and the task still waits. */
export class AnswerInvalid extends MusterError {
  readonly code = 'answer_invalid';
  constructor(taskId: string, fault: string) {
    super(`The answer cannot be used: ${fault} Nothing was changed, and the task still waits.`, { taskId });
  }
}
