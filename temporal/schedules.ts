import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';

/** The id of the Schedule that prunes, and of the workflows that it starts. */
export const RETENTION_SCHEDULE = 'muster-retention';

/**
 * Creates the Schedule that applies the retention policies every night at 03:17 UTC. Idempotent: an existing Schedule
 * stays as its operator left it, paused or with another time.
 */
export async function ensureRetentionSchedule(client: Client, taskQueue: string): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: RETENTION_SCHEDULE,
      spec: { calendars: [{ hour: 3, minute: 17, comment: 'every night' }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
      action: {
        type: 'startWorkflow',
        workflowType: 'enforceRetention',
        workflowId: RETENTION_SCHEDULE,
        taskQueue,
        staticSummary: 'Retention: prune what the policies release',
      },
      memo: { owner: 'muster' },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

/** The id of the Schedule that verifies traces, and of the workflows that it starts. */
export const VERIFICATION_SCHEDULE = 'muster-verify-traces';

/** Creates the Schedule that verifies a sample of the day's traces every night at 04:17 UTC. Idempotent like the one above. */
export async function ensureVerificationSchedule(client: Client, taskQueue: string): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: VERIFICATION_SCHEDULE,
      spec: { calendars: [{ hour: 4, minute: 17, comment: 'every night' }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' },
      action: {
        type: 'startWorkflow',
        workflowType: 'verifyTraces',
        workflowId: VERIFICATION_SCHEDULE,
        taskQueue,
        staticSummary: 'Traces: compare rows and histories',
      },
      memo: { owner: 'muster' },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

/** The id of the Schedule that supervises the agents, and of the workflows that it starts. */
export const SUPERVISION_SCHEDULE = 'muster-supervise-agents';

/**
 * Creates the Schedule that supervises the agents every ten seconds. Idempotent like the one above. Missed runs are not
 * caught up: only the present counts.
 */
export async function ensureSupervisionSchedule(client: Client, taskQueue: string): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: SUPERVISION_SCHEDULE,
      spec: { intervals: [{ every: '10s' }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10s' },
      action: {
        type: 'startWorkflow',
        workflowType: 'superviseAgents',
        workflowId: SUPERVISION_SCHEDULE,
        taskQueue,
        workflowRunTimeout: '10 minutes',
        staticSummary: 'Agents: who is alive',
      },
      memo: { owner: 'muster' },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
