import type { Job, JobQueue } from '../../redis/job-queue.ts';

/** A job, and the Temporal task queue whose workers take it. */
export interface RoutedJob extends Job {
  readonly taskQueue: string;
}

/**
 * Lets jobs wait, each in the queue of its task queue, all of them side by side. Repeating it changes nothing. Rejects
 * when one of the queues could not be told; the others were.
 */
export async function enqueueJobs(
  queueFor: (taskQueue: string) => JobQueue,
  jobs: readonly RoutedJob[],
): Promise<void> {
  const queues = Map.groupBy(jobs, (job) => job.taskQueue);
  await Promise.all([...queues].map(([taskQueue, those]) => queueFor(taskQueue).enqueue(those)));
}
