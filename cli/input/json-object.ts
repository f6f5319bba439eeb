import { InvalidArgumentError } from 'commander';
import { decodeText, readDocument, readLimited, type TextDocument } from '../../client/read-document.ts';
import { errorClause, errorMessage } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { InputInvalid, InputUnreadable } from '../../operations/operation-errors.ts';
import { WrongUsage } from '../cli-errors.ts';

/** Where a text comes from when it is not on the command line. */
export interface TextSource {
  readonly maxBytes: number;
  readonly stdin: AsyncIterable<Uint8Array | string>;
}

/** The name of standard input in a task's title and in errors. */
const STDIN_NAME = 'stdin';

/** A file's text, or standard input's. @throws InputUnreadable, InputTooLarge */
export async function readText(file: string, { maxBytes, stdin }: TextSource): Promise<TextDocument> {
  if (file !== '-') return readDocument(file, maxBytes);
  const bytes = await readLimited(stdin, maxBytes);
  return { name: STDIN_NAME, text: decodeText(STDIN_NAME, bytes, maxBytes) };
}

/** A text that must be a JSON object. @throws InputUnreadable, InputInvalid */
export function parseObject(file: string, text: string): JsonObject {
  const name = file === '-' ? STDIN_NAME : file;
  const value = parseJson(name, text.replace(/^\uFEFF/, ''));
  if (isJsonObject(value)) return value;
  const found = Array.isArray(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`;
  throw new InputInvalid(`${name} must hold a JSON object like {"name": "value"}, found ${found}.`);
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text, keepDigits);
  } catch (error) {
    throw new InputUnreadable(name, `it is not valid JSON: ${errorMessage(error)}. Correct it there.`, error);
  }
}

/** A long id written as a number would silently lose its last digits. */
export function keepDigits(name: string, value: unknown, { source = '' }: { readonly source?: string } = {}): unknown {
  if (typeof value !== 'number' || keepsDigits(value, source)) return value;
  const where = name === '' ? 'a number' : `the number of "${name}"`;
  throw new RangeError(`${where}, ${source.slice(0, 40)}, has more digits than a number keeps; write it as a text`);
}

/** Fractions are rounded, as everywhere; whole numbers are not. */
function keepsDigits(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(source) || BigInt(source) === BigInt(value);
}

/** Any JSON on the command line. A text needs its quotes: `'"text"'`. */
export function jsonValue(value: string): Json {
  try {
    return JSON.parse(value, keepDigits) as Json;
  } catch (error) {
    throw new InvalidArgumentError(`Expected JSON: ${errorClause(error)}.`);
  }
}

/**
 * The JSON object of `--data`, or of the file of `--file`; `{}` where neither is given.
 * @throws WrongUsage, InputInvalid, InputUnreadable, InputTooLarge
 */
export async function readObject(
  { data, file }: { readonly data?: string; readonly file?: string },
  maxBytes: number,
): Promise<JsonObject> {
  if (data !== undefined && file !== undefined) throw new WrongUsage('Give --data or --file, not both.');
  if (data !== undefined) return parseArgument(data);
  if (file === undefined) return {};
  const { text } = await readText(file, { maxBytes, stdin: process.stdin });
  return parseObject(file, text);
}

/** @throws WrongUsage */
function parseArgument(data: string): JsonObject {
  try {
    return parseObject('--data', data);
  } catch (error) {
    throw new WrongUsage(errorMessage(error));
  }
}
