/** The life of a task. See {@link canMoveTask} for the legal moves. */
export const TASK_STATUSES = [
  'pending',
  'deferred',
  'blocked',
  'in_progress',
  'waiting_input',
  'waiting_approval',
  'paused',
  'completed',
  'failed',
  'cancelled',
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** The terminal statuses; only a redrive opens a new trace of such a task. */
export const TERMINAL_TASK_STATUSES = ['completed', 'failed', 'cancelled'] as const satisfies readonly TaskStatus[];
export type TerminalTaskStatus = (typeof TERMINAL_TASK_STATUSES)[number];

/** The statuses of a task with an open workflow. */
export const OPEN_TASK_STATUSES = [
  'in_progress',
  'waiting_input',
  'waiting_approval',
  'paused',
] as const satisfies readonly TaskStatus[];
export type OpenTaskStatus = (typeof OPEN_TASK_STATUSES)[number];

/**
 * The statuses in which a task needs a place in a worker. Other open tasks wait for a person, a message or a time: they
 * hold nothing in any worker, and only the concurrency slots that their limits let them keep.
 */
export const OCCUPYING_TASK_STATUSES = ['in_progress'] as const satisfies readonly OpenTaskStatus[];

/** The statuses before the first start. `deferred` waits for its due time or, when held, for a resume. */
export const WAITING_TASK_STATUSES = ['pending', 'deferred', 'blocked'] as const satisfies readonly TaskStatus[];

/**
 * The statuses of a task that is parked: it has not begun, or waits for a person, a message or a time. Only such a task moves
 * to another version of its graph.
 */
export const PARKED_TASK_STATUSES = [
  ...WAITING_TASK_STATUSES,
  ...(['waiting_input', 'waiting_approval', 'paused'] as const),
] as const satisfies readonly TaskStatus[];

const OPEN_MOVES = [...OPEN_TASK_STATUSES, ...TERMINAL_TASK_STATUSES];
const MOVES: Record<TaskStatus, readonly TaskStatus[]> = {
  pending: ['deferred', 'blocked', 'in_progress', 'cancelled', 'failed'],
  deferred: ['pending', 'blocked', 'failed', 'cancelled'],
  blocked: ['pending', 'deferred', 'cancelled', 'failed'],
  in_progress: OPEN_MOVES,
  waiting_input: OPEN_MOVES,
  waiting_approval: OPEN_MOVES,
  paused: OPEN_MOVES,
  completed: [],
  failed: ['pending', 'blocked'],
  cancelled: ['pending'],
};

/** Whether a task may move from one status to another. `failed` and `cancelled` may only go back by a redrive. */
export function canMoveTask(from: TaskStatus, to: TaskStatus): boolean {
  return from !== to && MOVES[from].includes(to);
}

export function isTerminalTaskStatus(status: TaskStatus): status is TerminalTaskStatus {
  return (TERMINAL_TASK_STATUSES as readonly TaskStatus[]).includes(status);
}

export function isOpenTaskStatus(status: TaskStatus): status is OpenTaskStatus {
  return (OPEN_TASK_STATUSES as readonly TaskStatus[]).includes(status);
}

export function isOccupyingTaskStatus(status: TaskStatus): boolean {
  return (OCCUPYING_TASK_STATUSES as readonly TaskStatus[]).includes(status);
}

export function isParkedTaskStatus(status: TaskStatus): boolean {
  return (PARKED_TASK_STATUSES as readonly TaskStatus[]).includes(status);
}

export function isWaitingTaskStatus(status: TaskStatus): boolean {
  return (WAITING_TASK_STATUSES as readonly TaskStatus[]).includes(status);
}
