/**
 * The states of a turn of a conversation. `queued` and `running` are open, at most one of a conversation is running.
 * `silent`: it ended, and nothing was said. `interrupted`: it was cancelled, and its reply is what there was of it.
 * `rolled_back`: it was cancelled, and counts in no history.
 */
export const CONVERSATION_TURN_STATES = [
  ...(['queued', 'running', 'answered', 'silent', 'failed', 'interrupted', 'rolled_back'] as const),
] as const;
export type ConversationTurnState = (typeof CONVERSATION_TURN_STATES)[number];

export const OPEN_TURN_STATES = ['queued', 'running'] as const satisfies readonly ConversationTurnState[];

/** How a turn ends that was cancelled for the sake of a later input. */
export const CANCELLED_TURN_STATES = ['interrupted', 'rolled_back'] as const satisfies readonly ConversationTurnState[];
export type CancelledTurnState = (typeof CANCELLED_TURN_STATES)[number];

/**
 * What becomes of an input that arrives while a turn runs. `enqueue`: it waits. `reject`: it is refused. `interrupt` and
 * `rollback` cancel the turn: it stays in the history with what it said so far, or does not.
 */
export const BUSY_POLICIES = ['enqueue', 'reject', 'interrupt', 'rollback'] as const;
export type BusyPolicy = (typeof BUSY_POLICIES)[number];

/** What a policy makes of the turn that runs; null where it lets it be. */
export function endFor(policy: BusyPolicy): CancelledTurnState | null {
  if (policy === 'interrupt') return 'interrupted';
  return policy === 'rollback' ? 'rolled_back' : null;
}

export function isOpenTurn(state: ConversationTurnState): boolean {
  return OPEN_TURN_STATES.some((open) => open === state);
}
