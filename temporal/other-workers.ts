import type { Client } from '@temporalio/client';

/** A worker's question for work waits this long at the server, so one that lives asked within it. */
const LONGEST_POLL_MS = 65_000;

/** `TaskQueueType` of the server's interface: where activities are asked for. */
const ACTIVITY_TASK_QUEUE = 2;

/** The identities of the workers, other than this one, that asked a task queue for work within the last minute, sorted. */
export async function otherWorkers(
  { workflowService, options }: Pick<Client, 'workflowService' | 'options'>,
  { taskQueue, workerId }: { readonly taskQueue: string; readonly workerId: string },
): Promise<string[]> {
  const { pollers } = await workflowService.describeTaskQueue({
    namespace: options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: ACTIVITY_TASK_QUEUE,
  });
  const since = Date.now() - LONGEST_POLL_MS;
  const seen = (pollers ?? []).filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000 >= since);
  return [...new Set(seen.map(({ identity }) => identity ?? ''))]
    .filter((name) => name !== '' && name !== workerId)
    .sort();
}
