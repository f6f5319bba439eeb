import { CONTAINER_KINDS } from '../../domain/graphs/kinds.ts';
import type { OpenTaskStatus } from '../../domain/tasks/task-status.ts';
import type { LeavingVerdict } from '../../domain/traces/attempt.ts';

/** What a task's workflow waits for while an attempt's verdict leaves its node open: a new verdict needs its name here. */
const OF_VERDICTS: Readonly<Record<LeavingVerdict['kind'], string>> = {
  retry: 'retried',
  wait: 'limited',
  lost: 'slow',
  'give back': 'unhosted',
};

/** The same of the statuses of an open task. */
const OF_STATUSES: Readonly<Record<OpenTaskStatus, string>> = {
  in_progress: 'slow',
  paused: 'paused-and-resumed',
  waiting_input: 'waiting-for-message',
  waiting_approval: 'waiting-approval',
};

/**
 * The waits in which a task may outlive a release, as the histories are named that have them. Every release records each
 * of them, see `record.ts`.
 */
export const WAITS: ReadonlySet<string> = new Set([
  ...Object.values(OF_VERDICTS),
  ...Object.values(OF_STATUSES),
  ...CONTAINER_KINDS,
  ...['waiting-for-approval', 'waiting-for-event', 'waiting-for-time', 'waiting-for-entities', 'waiting-for-child'],
  ...['deadline', 'waiting-budget', 'cancelled', 'cancelled-within', 'redriven'],
]);
