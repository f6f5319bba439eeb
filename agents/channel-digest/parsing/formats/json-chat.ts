import type { Notice } from '../../schemas.ts';
import { TranscriptError } from '../../transcript-error.ts';
import { readGenericRecord, textKey } from '../chat-records.ts';
import type { ChatFormat, Reading } from '../format.ts';
import type { JsonPath } from '../json-lines.ts';
import type { Message } from '../message.ts';
import { fieldsIn, isFields, type LocatedRecord, recordsAt } from '../records.ts';

/** How deep and how broadly a document is searched for a list of messages. */
const DEEPEST = 4;
const BROADEST = 200;

/** Any other JSON with a list of objects that have a text and somebody who said it. */
export const jsonChat: ChatFormat = {
  name: 'chat-json',
  recognises: ({ json }) => (json === undefined ? 0 : 0.1),
  read(source) {
    const path = messageList(source.json);
    if (path === null)
      throw new TranscriptError(
        'Expected a JSON chat export with an array of messages that have a text and an author, found none. ' +
          'Hand in an array of objects such as {"author": "Ann", "text": "…"}, or an object with one.',
      );
    return readRecords(recordsAt(source, path));
  },
};

/** JSON Lines: one message an object, one object a line; blank lines are allowed. */
export const jsonLinesChat: ChatFormat = {
  name: 'chat-jsonl',
  recognises: () => 0,
  read({ lines }) {
    const records = lines.flatMap((line, index) =>
      line.trim() === '' ? [] : [{ record: parseLine(line, index + 1), lineOf: () => index + 1 }],
    );
    return readRecords(records);
  },
};

function readRecords(records: readonly LocatedRecord[]): Reading {
  const messages = records.flatMap((record) => readGenericRecord(record) ?? []);
  return { messages, notices: nameless(messages) };
}

function nameless(messages: readonly Message[]): Notice[] {
  if (messages.length === 0 || messages.some(({ speaker }) => speaker !== null)) return [];
  const text = 'No record says who wrote it: there are no participants, and what is promised has no owner.';
  return [{ code: 'names', text }];
}

function parseLine(line: string, number: number): Readonly<Record<string, unknown>> {
  const expected = `Expected one JSON object on line ${number} of the JSON Lines text`;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new TranscriptError(`${expected}, found: ${found}. Correct or remove that line.`, number, { cause: error });
  }
  if (isFields(value)) return value;
  throw new TranscriptError(`${expected}, found ${JSON.stringify(value).slice(0, 40)}. Correct or remove it.`, number);
}

/** The uppermost list whose objects have texts; null when there is none. */
function messageList(document: unknown): JsonPath | null {
  let level: Array<{ value: unknown; path: JsonPath }> = [{ value: document, path: [] }];
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const found = level.find(({ value }) => fieldsIn(value).some((record) => textKey(record) !== null));
    if (found !== undefined) return found.path;
    level = level.flatMap(({ value, path }) =>
      childrenOf(value).map(([step, child]) => ({ value: child, path: [...path, step] })),
    );
  }
  return null;
}

function childrenOf(value: unknown): Array<[string | number, unknown]> {
  if (Array.isArray(value)) return value.slice(0, BROADEST).map((child, index) => [index, child]);
  return isFields(value) ? Object.entries(value).slice(0, BROADEST) : [];
}
