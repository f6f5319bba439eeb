import { setCurrentDetails } from '@temporalio/workflow';
import type { ExecuteTasksInput, ExecuteTasksResult } from '../../domain/tasks/shared-execution.ts';
import { sharedActivity } from '../activities.ts';
import { requireKnown } from './known-rules.ts';

/**
 * Carries out many small tasks at once, none of which needs an activity of its own: one activity runs their nodes in
 * waves. A task that turns out to need more leaves, and continues in an `executeTask` that is started from its rows.
 *
 * Id: `tasks/<uuid>`, see `domain/tasks/execution.ts`. It takes no messages: the activity reads a cancel or a pause of
 * a task from its row. If it is cancelled itself, every task that has not ended continues in an execution of its own.
 */
export async function executeTasks({ tasks, handlersMs, rules }: ExecuteTasksInput): Promise<ExecuteTasksResult> {
  requireKnown(rules);
  const ended = await sharedActivity(tasks.length, handlersMs).runTogether({ tasks });
  setCurrentDetails(describe(ended));
  return ended;
}

function describe(ended: ExecuteTasksResult): string {
  return Object.entries(ended)
    .map(([what, count]) => `- ${what}: ${count}`)
    .join('\n');
}
