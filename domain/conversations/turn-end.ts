import { isJsonObject, type Json } from '../json.ts';
import type { Failure } from '../tasks/execution.ts';
import type { TerminalTaskStatus } from '../tasks/task-status.ts';
import { trimText } from '../trim-text.ts';
import type { CancelledTurnState, ConversationTurnState } from './turn-state.ts';

/** An answer that is exactly this means that nothing is said. */
export const SILENCE = '[SILENCE]';

/** How the task of a turn ended. */
export interface EndedTurnTask {
  readonly status: TerminalTaskStatus;
  readonly output: Json;
  readonly failure: Failure | null;
  /** What a later input asked of the turn; null where none did. */
  readonly endsAs: CancelledTurnState | null;
  /** What there was of the reply when the task was cancelled. */
  readonly partial: string | null;
}

/** What a turn comes to. */
export interface TurnEnd {
  readonly state: Exclude<ConversationTurnState, 'queued' | 'running'>;
  readonly reply: string | null;
  /** The route that answered, where the output names one. */
  readonly route: string | null;
  readonly error: Failure | null;
}

/** What a turn keeps of a reply, in characters; the output of its task has the whole. */
export const MOST_OF_REPLY = 100_000;

/** What becomes of a turn whose task has ended. One that was to be rolled back is, however far it came. */
export function turnEnd({ status, output, failure, endsAs, partial }: EndedTurnTask): TurnEnd {
  if (endsAs === 'rolled_back') return { ...NOTHING, state: 'rolled_back' };
  if (status === 'failed') return { ...NOTHING, state: 'failed', error: failure };
  if (status === 'cancelled') return { ...NOTHING, state: 'interrupted', reply: kept(partial) };
  const reply = spokenOf(output);
  return { ...NOTHING, state: reply === null ? 'silent' : 'answered', reply: kept(reply), route: routeIn(output) };
}

const NOTHING = { reply: null, route: null, error: null };
const MOST_OF_ROUTE = 64;

function routeIn(output: Json): string | null {
  const route = isJsonObject(output) ? output.route : null;
  return typeof route === 'string' && route.length <= MOST_OF_ROUTE ? route : null;
}

const kept = (reply: string | null) => (reply === null ? null : trimText(reply, MOST_OF_REPLY));

/**
 * What an output says: a text, or the text that it has as `reply`; of any other output its JSON. Null for silence: no
 * reply, an empty one, or the marker.
 */
export function spokenOf(output: Json): string | null {
  const said = isJsonObject(output) && 'reply' in output ? output.reply : output;
  if (said === null || said === undefined) return null;
  const text = typeof said === 'string' ? said : JSON.stringify(said);
  return text.trim() === '' || text.trim() === SILENCE ? null : text;
}
