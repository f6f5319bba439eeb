import type { Notice } from '../schemas.ts';
import { TranscriptError } from '../transcript-error.ts';
import type { DateOrder } from './dates/date-order.ts';
import type { Message, Source } from './format.ts';
import type { JsonPath } from './records.ts';

const ORDER_WORDS: Readonly<Record<DateOrder, string>> = {
  'day-month-year': 'day first',
  'month-day-year': 'month first',
  'year-month-day': 'year first',
};
const MOST_NAMED = 5;

/** Says in which order dates were read where the source allows more than one. */
export function assumedDates(order: DateOrder | null): Notice[] {
  if (order === null) return [];
  const text = `The dates could be read in more than one way; they are taken as ${ORDER_WORDS[order]}.`;
  return [{ code: 'dates', text }];
}

/** Says how many messages hold no words, by their kind: the first word in the brackets of their text. */
export function wordlessMessages(messages: readonly Message[]): Notice[] {
  const kinds = messages.flatMap(({ wordless, automated, text }) =>
    wordless && !automated ? [/^\[([\p{L} ]+)/u.exec(text)?.[1]?.trim() ?? 'other'] : [],
  );
  return countedOnly(kinds);
}

/** Says how many messages hold no words, given the kind of each. */
export function countedOnly(kinds: readonly string[]): Notice[] {
  if (kinds.length === 0) return [];
  const counts = [...Map.groupBy(kinds, (kind) => kind)].map(([kind, own]) => `${own.length} × ${kind}`);
  const hold =
    kinds.length === 1 ? '1 message holds no words and is' : `${kinds.length} messages hold no words and are`;
  return [{ code: 'content', text: `${hold} only counted: ${listed(counts)}.` }];
}

/** Says which messages were not meant for everybody. */
export function directMessages(messages: readonly Message[]): Notice[] {
  const direct = messages.filter(({ directTo }) => directTo !== undefined);
  if (direct.length === 0) return [];
  const pairs = [...new Set(direct.map(({ speaker, directTo }) => `${speaker ?? 'somebody'} to ${directTo}`))];
  const count = direct.length === 1 ? '1 direct message is' : `${direct.length} direct messages are`;
  return [{ code: 'private', text: `${count} part of this talk: ${listed(pairs)}. Mind who gets the report.` }];
}

/** Says that numbers are not those of lines where a document of many messages has only one. */
export function countedMessages(messages: readonly Message[], isOneLine: boolean): Notice[] {
  if (!isOneLine || messages.length < 2) return [];
  const text = 'The file is one long line: the numbers in brackets count its messages, not lines.';
  return [{ code: 'lines', text }];
}

/** A list in words, cut after a few entries. */
export function listed(entries: readonly string[], most = MOST_NAMED): string {
  const shown = entries.slice(0, most);
  const left = entries.length - shown.length;
  const last = left > 0 ? `${left} more` : shown.pop();
  return shown.length === 0 ? (last ?? '') : `${shown.join(', ')} and ${last}`;
}

/** One chat of an export that holds several. */
export interface ChatInExport {
  readonly name: string;
  readonly path: JsonPath;
  readonly messages: number;
}

const MOST_CHATS = 20;

/**
 * The chat that the caller named, or the only one that holds a message.
 * @throws TranscriptError that names the chats and says how one is chosen.
 */
export function chosenChat(chats: readonly ChatInExport[], { chat }: Source, what: string): ChatInExport {
  const filled = chats.filter(({ messages }) => messages > 0);
  const wanted = chat?.trim().toLowerCase();
  const meant = filled.filter(({ name }) => wanted === undefined || name.trim().toLowerCase() === wanted);
  const only = meant[0];
  if (only !== undefined && meant.length === 1) return only;
  const most = filled.toSorted((one, other) => other.messages - one.messages);
  const names = listed(
    most.map(({ name, messages }) => `"${name}" (${messages})`),
    MOST_CHATS,
  );
  const missing =
    wanted === undefined ? '' : ` ${meant.length === 0 ? 'None' : 'More than one'} of them is called "${chat}".`;
  throw new TranscriptError(
    `This is ${what} with ${filled.length} chats: ${names}.${missing} Name one of them: --chat NAME with start, --param chat=NAME with submit.`,
  );
}
