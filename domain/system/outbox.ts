/**
 * The topics that the outbox carries out after a commit: `task.submitted` puts the jobs of all tasks that its row names
 * into Redis; `task.cancelled` asks the task's workflow to cancel; `task.finished` wakes waiting callers, frees the
 * task's slots in Redis, and releases tasks that depend on it or follow it in its series; `task.killed` terminates the
 * workflow of a killed task; `task.moving` tells the task's workflow that it is to move to another version of its graph; `approval.decided` tells the task's workflow that a person has decided; `wait.ended` that
 * what one of its nodes waits for is there; `budget.granted` tells the workflows of tasks that may wait for a budget to look again.
 */
export const OUTBOX_TOPICS = [
  'task.submitted',
  'task.cancelled',
  'task.finished',
  'task.killed',
  'task.moving',
  'approval.decided',
  'wait.ended',
  'budget.granted',
] as const;
export type OutboxTopic = (typeof OUTBOX_TOPICS)[number];

/** The states of an effect in the ledger. `pending` on a retry means that it is unknown whether the effect happened. */
export const EFFECT_STATES = ['pending', 'done'] as const;
export type EffectState = (typeof EFFECT_STATES)[number];
