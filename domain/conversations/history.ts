import type { ConversationTurnState } from './turn-state.ts';

/** What was said in a conversation, as its later turns read it. */
export interface SaidMessage {
  /** `agent`: an agent's tool appended it, so nobody who speaks here has said it. */
  readonly role: 'user' | 'agent' | 'assistant';
  /** The agent that said it. Absent otherwise. */
  readonly agent?: string;
  readonly text: string;
  /** The route of the turn that answered, of an `assistant`. Absent where the turn's graph named none. */
  readonly route?: string;
  /** There is more that was never said: the turn was interrupted. Absent otherwise. */
  readonly interrupted?: true;
}

/** What of a turn counts in a history. */
export interface TurnSaid {
  readonly state: ConversationTurnState;
  readonly text: string;
  readonly reply: string | null;
  /** Who answered, as the output of its turn says. */
  readonly route: string | null;
  /** The agents on whose behalf its input was appended. */
  readonly actsFor: readonly string[];
}

export interface History {
  readonly messages: readonly SaidMessage[];
  /** The agents that have a part in it: who reads it acts on their behalf too. */
  readonly actsFor: readonly string[];
}

/** How far back a turn reads: the transcript of Sage. */
export const HISTORY_LIMITS = { messages: 15, characters: 24_000 } as const;

/**
 * The last messages of these turns, oldest first, within {@link HISTORY_LIMITS}. Of a message that fits in part only its
 * end is kept. Turns that were rolled back are not there.
 */
export function historyOf(turns: readonly TurnSaid[]): History {
  const said = turns
    .filter(({ state }) => state !== 'rolled_back')
    .flatMap((turn) => messagesOf(turn).map((message) => ({ message, actsFor: turn.actsFor })));
  const messages: SaidMessage[] = [];
  const actsFor = new Set<string>();
  let left: number = HISTORY_LIMITS.characters;
  for (const { message, actsFor: agents } of said.slice(-HISTORY_LIMITS.messages).reverse()) {
    if (left <= 0) break;
    const text = message.text.slice(-left).toWellFormed();
    messages.unshift({ ...message, text });
    for (const agent of agents) actsFor.add(agent);
    left -= text.length;
  }
  return { messages, actsFor: [...actsFor] };
}

/** The agent that said what a turn answers; null for a person or a program. */
export function speakingAgent({ actsFor }: Pick<TurnSaid, 'actsFor'>): string | null {
  return actsFor.at(-1) ?? null;
}

function messagesOf(turn: TurnSaid): readonly SaidMessage[] {
  const { state, text, reply, route } = turn;
  const agent = speakingAgent(turn);
  const asked: SaidMessage = agent === null ? { role: 'user', text } : { role: 'agent', agent, text };
  if (reply === null) return [asked];
  const more = { ...(route !== null && { route }), ...(state === 'interrupted' && { interrupted: true as const }) };
  return [asked, { role: 'assistant', text: reply, ...more }];
}
