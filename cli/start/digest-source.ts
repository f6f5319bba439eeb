import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { namesInUsersFile } from '../../agents/channel-digest/parsing/formats/slack.ts';
import { readDocument, type TextDocument } from '../../client/read-document.ts';
import { errorMessage } from '../../domain/errors.ts';
import { InputTooLarge, InputUnreadable } from '../../operations/operation-errors.ts';
import { readText } from '../input/json-object.ts';
import type { InputSources } from '../tasks/submit-input.ts';

/** A text to digest, with the names of its people if a file beside it has them. */
export interface DigestSource extends TextDocument {
  readonly names?: Readonly<Record<string, string>>;
}

type Reading = Pick<InputSources, 'maxBytes' | 'stdin'>;

/** Slack writes one file for each day of a channel. */
const DAY_FILE = /^\d{4}-\d{2}-\d{2}\.json$/;
/** The list of people of a Slack archive, also under a name of its own as in `harbour-users.json`. */
const USERS_FILE = /(?:^|[-_.])users\.json$/i;
/** The names that other programs give to the file with the conversation in an export. */
const TALK_FILES = ['_chat.txt', 'result.json', 'messages.json'];
const PERSON_ID = /[UW][A-Z0-9]{2,}/g;

/**
 * Reads the text to digest: a file, standard input (`-`), or the folder of an export. A folder of a Slack channel is
 * read as the days in it, one after the other. Names for the ids in a Slack file come from a `users.json` beside it or
 * in the folder above.
 * @throws InputUnreadable, InputTooLarge
 */
export async function readDigestSource(file: string, reading: Reading): Promise<DigestSource> {
  if (file === '-') return readText(file, reading);
  const isFolder = await stat(file).then(
    (information) => information.isDirectory(),
    () => false,
  );
  const document = isFolder ? await readFolder(file, reading) : await readDocument(file, reading.maxBytes);
  if (!/\.json$/i.test(document.name) || !document.text.includes('"ts"')) return document;
  const folder = isFolder ? resolve(file) : dirname(resolve(file));
  const names = await namesBeside(folder, document.text, reading.maxBytes);
  return names === null ? document : { ...document, names };
}

async function readFolder(folder: string, reading: Reading): Promise<TextDocument> {
  const entries = await readdir(folder, { withFileTypes: true });
  const days = entries.map(({ name }) => name).filter((name) => DAY_FILE.test(name));
  if (days.length > 0) return readDays(folder, days.toSorted(), reading.maxBytes);
  const talk = TALK_FILES.find((known) => entries.some(({ name }) => name === known));
  if (talk !== undefined) return readDocument(join(folder, talk), reading.maxBytes);
  const channels = entries.some(({ name }) => USERS_FILE.test(name))
    ? entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    : [];
  const [only] = channels;
  if (only !== undefined && channels.length === 1) return readFolder(join(folder, only), reading);
  const shown = channels.slice(0, 20).join(', ');
  throw new InputUnreadable(
    folder,
    channels.length > 1
      ? `it is a Slack archive with ${channels.length} channels: ${shown}${channels.length > 20 ? ', …' : ''}. Name the folder of one of them.`
      : 'it is a folder. Name one file in it.',
  );
}

/** All days as one list of messages. Line numbers continue from file to file, in the order of the days. */
async function readDays(folder: string, days: readonly string[], maxBytes: number): Promise<TextDocument> {
  const parts: string[] = [];
  let left = maxBytes;
  for (const day of days) {
    const { text } = await readDocument(join(folder, day), maxBytes);
    left -= Buffer.byteLength(text);
    if (left < 0) throw new InputTooLarge(null, maxBytes);
    const list = text.trim();
    if (!list.startsWith('[') || !list.endsWith(']'))
      throw new InputUnreadable(
        join(folder, day),
        'it is not a list of messages as Slack exports a day. Remove the file.',
      );
    if (list.slice(1, -1).trim() !== '') parts.push(list.slice(1, -1));
  }
  return { name: `${basename(resolve(folder))}.json`, text: `[${parts.join(',')}]` };
}

async function namesBeside(folder: string, text: string, maxBytes: number): Promise<Record<string, string> | null> {
  for (const place of [folder, dirname(folder)]) {
    const found = (await readdir(place).catch(() => [])).filter((name) => USERS_FILE.test(name));
    const file = found.find((name) => name === 'users.json') ?? (found.length === 1 ? found[0] : undefined);
    if (file !== undefined) return namesIn(join(place, file), text, maxBytes);
  }
  return null;
}

/** Only the people of this text: a workspace has thousands. */
async function namesIn(file: string, text: string, maxBytes: number): Promise<Record<string, string>> {
  const users = await readDocument(file, maxBytes);
  const ids = new Set(text.match(PERSON_ID));
  try {
    return Object.fromEntries([...namesInUsersFile(users.text)].filter(([id]) => ids.has(id)));
  } catch (error) {
    throw new InputUnreadable(file, `it is not valid JSON: ${errorMessage(error)}. Export it again.`, error);
  }
}
