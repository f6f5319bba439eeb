import { isJsonObject, type Json, toJson } from '../json.ts';
import type { AskedCall } from './model-messages.ts';

/** Calls that one answer may ask for. More is no plan but a loop. */
export const MOST_CALLS = 128;
/** Arguments of one call, as values inside one another and as fields in all of them. */
const MOST_DEPTH = 32;
const MOST_FIELDS = 1_000;
/** What is kept of an id or of a tool's name that no tool has. */
const MOST_NAME_CHARACTERS = 200;
/** What is kept of arguments that cannot be used: enough to see what the model meant. */
const MOST_UNUSABLE_CHARACTERS = 10_000;

/** A tool call as it came from a model. */
export interface ReceivedCall {
  readonly id: string;
  readonly tool: string;
  /** Its arguments as they came. Empty for none. */
  readonly text: string;
}

/**
 * The tool calls of an answer, as they can be stored. Ids become unique. Arguments that are not an object, too deep, too
 * many, or not storable stay as the text that came, with a sentence that says why.
 */
export function readCalls(received: readonly ReceivedCall[]): readonly AskedCall[] {
  const ids = new Set<string>();
  return received.map(({ id, tool, text }, index) => {
    const wanted = escaped(id).slice(0, MOST_NAME_CHARACTERS);
    const own = wanted === '' || ids.has(wanted) ? `call_${index + 1}` : wanted;
    ids.add(own);
    return { id: own, tool: escaped(tool).slice(0, MOST_NAME_CHARACTERS), ...argumentsOf(text) };
  });
}

function argumentsOf(text: string): Pick<AskedCall, 'arguments' | 'fault'> {
  const input = parsed(text);
  const fault = argumentsFault(input);
  if (fault === null) return { arguments: input as Json };
  return { arguments: escaped(text).slice(0, MOST_UNUSABLE_CHARACTERS).toWellFormed(), fault };
}

/** Undefined for what is not JSON. */
function parsed(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function argumentsFault(input: unknown): string | null {
  if (!isJsonObject(input)) return 'The arguments are not a JSON object.';
  const room = { fields: MOST_FIELDS };
  if (!fits(input, MOST_DEPTH, room)) {
    return `The arguments are deeper than ${MOST_DEPTH} levels or have more than ${MOST_FIELDS} fields and items.`;
  }
  if (hasPrototype(input)) return 'The arguments have a field named "__proto__".';
  const json = toJson(input);
  return json.ok ? null : `The arguments hold ${json.found} at ${json.path}.`;
}

function fits(value: unknown, depth: number, room: { fields: number }): boolean {
  if (typeof value !== 'object' || value === null) return true;
  const items = Object.values(value);
  room.fields -= items.length;
  return depth > 0 && room.fields >= 0 && items.every((item) => fits(item, depth - 1, room));
}

/** A field that turns into the prototype of its object where somebody copies it by assignment. */
function hasPrototype(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasPrototype);
}

const LONE_SURROGATES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A text in which NUL characters and halves of surrogate pairs are written as JSON escapes. */
export function escaped(text: string): string {
  const withoutNul = text.replaceAll('\u0000', '\\u0000');
  return withoutNul.replaceAll(LONE_SURROGATES, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
}

/** Escapes a text piece by piece, so that the pieces are together what {@link escaped} makes of the whole. */
export class TextTelling {
  #half = '';

  /** A first half of a pair that a piece ends with is kept for the next one. */
  next(piece: string): string {
    const text = this.#half + piece;
    const isCut = /[\ud800-\udbff]$/.test(text);
    this.#half = isCut ? text.slice(-1) : '';
    return escaped(isCut ? text.slice(0, -1) : text);
  }

  /** What no piece has completed. */
  rest(): string {
    return escaped(this.#half);
  }
}
