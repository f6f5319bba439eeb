import { isOpenTurn } from '../domain/conversations/turn-state.ts';
import { HintedPause } from '../domain/system/loop.ts';
import type { TurnRecord } from '../entities/conversations/conversation-turn-repository.ts';
import { type AppendedInput, type AppendOptions, appendInput } from '../operations/conversations/append.ts';
import {
  type ConversationOptions,
  type ConversationWithTurns,
  readTurn,
  viewConversation,
} from '../operations/conversations/view.ts';
import type { WakeUps } from '../redis/wake-ups.ts';
import { type Face, withArguments } from './face.ts';

/** An input that is in its conversation, and its turn. */
export interface SaidInput extends AppendedInput {
  /**
   * Waits until its turn has ended, however it ends: `state` says how, and `reply` what was said. It may be asked for again
   * at any time, by any program.
   */
  answer(): Promise<TurnRecord>;
}

/** A conversation, known by its name. It outlives its tasks, programs and workers. */
export interface Conversation {
  readonly id: string;
  /**
   * Says something. When it returns, the input is in PostgreSQL and will have exactly one turn, after those before it. A
   * repetition under the same `key` finds the first input.
   * @throws ConversationBusy with `onBusy: 'reject'`, GraphUnknown, InputInvalid, InputKeyConflict, OptionInvalid
   */
  say(text: string, options?: AppendOptions): Promise<SaidInput>;
  /** One turn by its number. @throws ConversationUnknown */
  turn(number: number): Promise<TurnRecord>;
  /** The conversation with its last turns. @throws ConversationUnknown */
  view(options?: ConversationOptions): Promise<ConversationWithTurns>;
}

/** How often a turn is looked at that somebody waits for: soon at first and when its task has news, then every half second. */
const POLL_MS = { first: 50, most: 500 };

export function conversationOf(face: Face, wakeUps: WakeUps, id: string): Conversation {
  const turn = (number: number) => face.call(readTurn, { conversation: id, turn: number });
  return {
    id,
    turn,
    view: (options = {}) => face.call(viewConversation, withArguments('view', options, { conversation: id })),
    say: async (text, options = {}) => {
      const given = withArguments('say', options, { conversation: id, input: text });
      const appended = await face.call(appendInput, given);
      return { ...appended, answer: () => untilEnded(wakeUps, () => turn(appended.turn)) };
    },
  };
}

async function untilEnded(wakeUps: WakeUps, read: () => Promise<TurnRecord>): Promise<TurnRecord> {
  const pause = new HintedPause();
  let waitMs: number = POLL_MS.first;
  const hint = () => {
    waitMs = POLL_MS.first;
    pause.hint();
  };
  let close: (() => void) | null = null;
  try {
    for (;;) {
      const turn = await read();
      if (!isOpenTurn(turn.state)) return turn;
      if (turn.taskId !== null) close ??= wakeUps.onTask(turn.taskId, hint);
      await pause.wait(waitMs);
      waitMs = Math.min(POLL_MS.most, waitMs * 1.5);
    }
  } finally {
    close?.();
  }
}
