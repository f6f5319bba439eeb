import type { ConversationTurnState } from './turn-state.ts';

/** What was said in a conversation, as its later turns read it. */
export interface SaidMessage {
  readonly role: 'user' | 'assistant';
  readonly text: string;
  /** There is more that was never said: the turn was interrupted. Absent otherwise. */
  readonly interrupted?: true;
}

/** What of a turn counts in a history. */
export interface TurnSaid {
  readonly state: ConversationTurnState;
  readonly text: string;
  readonly reply: string | null;
}

/** How far back a turn reads: the transcript of Sage. */
export const HISTORY_LIMITS = { messages: 15, characters: 24_000 } as const;

/**
 * The last messages of these turns, oldest first, within {@link HISTORY_LIMITS}. Of a message that fits in part only its
 * end is kept. Turns that were rolled back are not there.
 */
export function historyOf(turns: readonly TurnSaid[]): readonly SaidMessage[] {
  const messages = turns.filter(({ state }) => state !== 'rolled_back').flatMap(messagesOf);
  const kept: SaidMessage[] = [];
  let left: number = HISTORY_LIMITS.characters;
  for (const message of messages.slice(-HISTORY_LIMITS.messages).reverse()) {
    if (left <= 0) break;
    const text = message.text.slice(-left).toWellFormed();
    kept.unshift({ ...message, text });
    left -= text.length;
  }
  return kept;
}

function messagesOf({ state, text, reply }: TurnSaid): readonly SaidMessage[] {
  const asked: SaidMessage = { role: 'user', text };
  if (reply === null) return [asked];
  return [asked, { role: 'assistant', text: reply, ...(state === 'interrupted' ? { interrupted: true } : {}) }];
}
