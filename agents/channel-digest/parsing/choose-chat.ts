import { TranscriptError } from '../transcript-error.ts';
import type { Source } from './format.ts';
import type { JsonPath } from './json-lines.ts';
import { listed } from './notices.ts';

/** One chat of an export that holds several. */
export interface ChatInExport {
  readonly name: string;
  readonly path: JsonPath;
  readonly messages: number;
}

const MOST_NAMED = 20;

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
    MOST_NAMED,
  );
  const missing =
    wanted === undefined ? '' : ` ${meant.length === 0 ? 'None' : 'More than one'} of them is called "${chat}".`;
  throw new TranscriptError(
    `This is ${what} with ${filled.length} chats: ${names}.${missing} Name one of them: --chat NAME with start, --param chat=NAME with submit.`,
  );
}
