import { storableText } from './json.ts';

/** The longest text of a thrown value: a quoted document fits into neither rows nor Temporal. */
const MAX_MESSAGE_CHARACTERS = 2_000;

/** The errors of an aggregate, the properties of an object and its levels that are shown. */
const TOLD_CAUSES = 3;
const TOLD_PROPERTIES = 12;
const TOLD_DEPTH = 3;
const TOLD_CHARACTERS = 500;

/**
 * One sentence for anything that can be thrown: an error's message, the first causes of an aggregate, the class of an
 * error without a message, the content of an object. Never empty, at most {@link MAX_MESSAGE_CHARACTERS} long, without
 * characters that PostgreSQL cannot store. Never throws, whatever getters and proxies do.
 */
export function thrownText(thrown: unknown): string {
  const text = textOf(thrown, 0);
  return storableText(text.length > MAX_MESSAGE_CHARACTERS ? `${text.slice(0, MAX_MESSAGE_CHARACTERS - 1)}…` : text);
}

/** A property of anything; undefined if it is missing or reading it throws. */
export function readSafely(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    return Reflect.get(value, name);
  } catch {
    return undefined;
  }
}

function textOf(thrown: unknown, depth: number): string {
  if (typeof thrown === 'string') return thrown.trim() === '' ? 'An empty text was thrown.' : thrown;
  if ((typeof thrown !== 'object' && typeof thrown !== 'function') || thrown === null) {
    return `The ${kindOf(thrown)} was thrown.`;
  }
  const message = readSafely(thrown, 'message');
  const own = typeof message === 'string' && message.trim() !== '' ? message : '';
  const causes = depth < TOLD_DEPTH ? causesOf(thrown, own !== '') : [];
  const told = causes.slice(0, TOLD_CAUSES).map((cause) => textOf(cause, depth + 1).slice(0, TOLD_CHARACTERS));
  const more = causes.length > TOLD_CAUSES ? [`and ${causes.length - TOLD_CAUSES} more`] : [];
  if (told.length > 0) return [own === '' ? classOf(thrown) : own, [...told, ...more].join('; ')].join(': ');
  if (own !== '') return own;
  if (typeof thrown === 'function') return 'A function was thrown.';
  if (looksLikeError(thrown)) return `${classOf(thrown)} without a message.`;
  return `An object was thrown: ${describe(thrown)}`;
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return `value ${String(value)}`;
  return `${typeof value} ${String(value)}`;
}

/** The errors of an aggregate, or the cause of an error without a message. */
function causesOf(thrown: object, hasMessage: boolean): readonly unknown[] {
  const errors = readSafely(thrown, 'errors');
  try {
    if (Array.isArray(errors) && looksLikeError(thrown)) return Array.from(errors.slice(0, 1_000));
  } catch {
    return [];
  }
  const cause = hasMessage ? undefined : readSafely(thrown, 'cause');
  return cause === undefined || cause === null ? [] : [cause];
}

function looksLikeError(thrown: object): boolean {
  try {
    return thrown instanceof Error || typeof readSafely(thrown, 'stack') === 'string';
  } catch {
    return false;
  }
}

function classOf(thrown: object): string {
  for (const name of [readSafely(thrown, 'name'), readSafely(readSafely(thrown, 'constructor'), 'name')]) {
    if (typeof name === 'string' && name.trim() !== '') return name.slice(0, 100);
  }
  return 'Error';
}

/** The content of any object as shortened JSON. */
function describe(value: unknown): string {
  const text = describeAt(value, TOLD_DEPTH);
  return text.length > TOLD_CHARACTERS ? `${text.slice(0, TOLD_CHARACTERS)}…` : text;
}

function describeAt(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, TOLD_CHARACTERS));
  if (typeof value === 'function') return '(function)';
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth === 0) return '…';
  try {
    const isList = Array.isArray(value);
    const names = Object.keys(value);
    const told = names.slice(0, TOLD_PROPERTIES).map((name) => {
      const text = describeAt(readSafely(value, name), depth - 1);
      return isList ? text : `${JSON.stringify(name.slice(0, 100))}: ${text}`;
    });
    const all = [...told, ...(names.length > TOLD_PROPERTIES ? ['…'] : [])].join(', ');
    return isList ? `[${all}]` : `{${all}}`;
  } catch {
    return '(it cannot be read)';
  }
}
