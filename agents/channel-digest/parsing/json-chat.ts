import { TranscriptError } from '../transcript-error.ts';
import { collectNames, isFields, readRecord, textKey } from './chat-records.ts';
import { jsonFaultPosition } from './json-fault.ts';
import { elementPositions } from './json-lines.ts';
import type { Message } from './message.ts';
import { sourceLines } from './source-lines.ts';

/**
 * Reads a JSON chat export: an array of messages, or an object with one.
 * @throws TranscriptError when the JSON is malformed, naming the line, or holds no messages.
 */
export function parseJsonChat(text: string): Message[] {
  const unified = sourceLines(text).join('\n');
  const value = parseJson(unified);
  const { key, records } = messageArray(value);
  const names = collectNames(records);
  const positions = elementPositions(unified, key);
  const objects = records.filter(isFields);
  return objects.flatMap((record, index) => {
    const position = positions[index];
    const line = position?.keys.get(textKey(record) ?? '') ?? position?.line ?? 1;
    return readRecord(record, line, names) ?? [];
  });
}

/**
 * Reads JSON Lines: one message an object, one object a line; blank lines are allowed.
 * @throws TranscriptError naming the first line that is no JSON object.
 */
export function parseJsonLinesChat(text: string): Message[] {
  const records = sourceLines(text).flatMap((line, index) =>
    line.trim() === '' ? [] : [{ line: index + 1, record: parseLine(line, index + 1) }],
  );
  const names = collectNames(records.map(({ record }) => record));
  return records.flatMap(({ line, record }) => readRecord(record, line, names) ?? []);
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const line = text.slice(0, jsonFaultPosition(text)).split('\n').length;
    const advice = 'Export the chat again, or hand it in as text.';
    throw new TranscriptError(
      `Expected a JSON chat export, found malformed JSON on line ${line}: ${found}. ${advice}`,
      line,
      {
        cause: error,
      },
    );
  }
}

function messageArray(value: unknown): { key: string | null; records: unknown[] } {
  if (Array.isArray(value)) return { key: null, records: value };
  const entries = isFields(value) ? Object.entries(value) : [];
  for (const [key, list] of entries) {
    if (Array.isArray(list) && list.some((item) => isFields(item) && textKey(item) !== null))
      return { key, records: list };
  }
  throw new TranscriptError(
    'Expected a JSON chat export with an array of messages that have a text and an author, found none. ' +
      'Hand in an array of objects such as {"author": "Ann", "text": "…"}, or an object with one.',
  );
}
