/**
 * What the outbox carries out of a committed transaction: `task.submitted` puts the job into Redis, `task.cancelled`
 * asks the task's workflow to cancel, `task.finished` wakes whoever watches and lets the user's next task go.
 */
export const OUTBOX_TOPICS = ['task.submitted', 'task.cancelled', 'task.finished'] as const;
export type OutboxTopic = (typeof OUTBOX_TOPICS)[number];

/** The states of an effect in the ledger. `pending` found on a retry means that nobody knows whether it happened. */
export const EFFECT_STATES = ['pending', 'done'] as const;
export type EffectState = (typeof EFFECT_STATES)[number];
