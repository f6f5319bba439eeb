/**
 * What the outbox carries out of a committed transaction: `task.submitted` puts jobs into Redis, those of all tasks that
 * its row names; `task.cancelled` asks the task's workflow to cancel; `task.finished` wakes whoever watches, frees the
 * task's slots in Redis, and lets go what depends on the task or follows it in its series; `task.killed` terminates a
 * workflow without which its task was ended.
 */
export const OUTBOX_TOPICS = ['task.submitted', 'task.cancelled', 'task.finished', 'task.killed'] as const;
export type OutboxTopic = (typeof OUTBOX_TOPICS)[number];

/** The states of an effect in the ledger. `pending` found on a retry means that nobody knows whether it happened. */
export const EFFECT_STATES = ['pending', 'done'] as const;
export type EffectState = (typeof EFFECT_STATES)[number];
