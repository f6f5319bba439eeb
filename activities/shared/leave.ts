import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { leaveTogether } from '../../operations/record/shared-traces.ts';
import type { ActivityDependencies } from '../dependencies.ts';

/** Lets tasks leave the execution that carries them. @returns how many it still carried */
export async function leave(
  { database, queueSettings, log, taskMoved, tasksLeft }: ActivityDependencies,
  carrier: string,
  executions: readonly ExecutionRef[],
): Promise<number> {
  if (executions.length === 0) return 0;
  const traces = executions.map(({ traceId }) => traceId);
  const left = await leaveTogether({ database, settings: await queueSettings(), log }, carrier, traces);
  for (const { taskId, pausedWith } of left) if (pausedWith !== null) taskMoved({ taskId }, 'paused', pausedWith);
  tasksLeft(left.map(({ taskId }) => taskId));
  return left.length;
}
