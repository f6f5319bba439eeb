import { isJsonObject, type Json, notJson, toJson } from '../../json.ts';
import { compilePattern, PatternWork } from '../bounded-pattern.ts';
import type { OutputParserNode } from '../definition.ts';
import type { ParseFormat } from '../kinds.ts';
import { nameOf } from '../read-unknown.ts';

type Parsed = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string };
type Rules = Pick<OutputParserNode, 'parse' | 'pattern' | 'fields'>;

/** Reads a text in a format. What cannot be read says why, without the text. */
export function parseText(rules: Rules, text: string): Parsed {
  const parsed = READERS[rules.parse](text, rules);
  if (!parsed.ok || rules.fields.length === 0) return parsed;
  const { value } = parsed;
  if (!isJsonObject(value))
    return unparsable(`Expected an object with ${quoted(rules.fields)}, found ${nameOf(value)}.`);
  const missing = rules.fields.filter((name) => !Object.hasOwn(value, name) || value[name] === null);
  return missing.length === 0 ? parsed : unparsable(`The text has no value for ${quoted(missing)}.`);
}

const READERS: Readonly<Record<ParseFormat, (text: string, rules: Rules) => Parsed>> = {
  json: readJsonText,
  list: readListText,
  'key-value': readPairs,
  regex: readGroups,
};

function unparsable(message: string): Parsed {
  return { ok: false, message };
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

/** The whole text, or the first block within ``` that is JSON. */
function readJsonText(text: string): Parsed {
  for (const candidate of [text, ...fencedBlocks(text)]) {
    const value = parsedJson(candidate);
    if (value === undefined) continue;
    const json = toJson(value);
    return json.ok ? json : unparsable(`The JSON in the text cannot be kept: ${notJson(json)}`);
  }
  return unparsable('The text is not JSON, and no block within ``` is.');
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How many blocks are tried. */
const MAX_BLOCKS = 50;

/** What stands between fences, without the word that names its language. */
function fencedBlocks(text: string): readonly string[] {
  const parts = text.split('```', 2 * MAX_BLOCKS);
  return parts.filter((_, index) => index % 2 === 1).map((block) => block.replace(/^[A-Za-z0-9_+-]{0,32}(?=\s)/, ''));
}

/** A bullet or a number before an item. */
const BULLET = /^(?:[-*•]|\d{1,6}[.)])[ \t]{1,8}/;

/** The lines that are not empty, without their bullets; a single line without one is split at its commas. */
function readListText(text: string): Parsed {
  const lines = linesOf(text);
  const [only = ''] = lines;
  const items =
    lines.length === 1 && !BULLET.test(only) ? only.split(',') : lines.map((line) => line.replace(BULLET, ''));
  const list = items.map((item) => item.trim()).filter((item) => item !== '');
  return list.length === 0 ? unparsable('The text has no items.') : { ok: true, value: list };
}

/** Lines like `name: value` or `name = value`; others are left out, and the last value of a name counts. */
function readPairs(text: string): Parsed {
  const pairs = linesOf(text).flatMap((line) => {
    const bare = line.replace(BULLET, '');
    const place = bare.search(/[:=]/);
    const name = bare.slice(0, Math.max(0, place)).trim();
    return name === '' ? [] : [[name, bare.slice(place + 1).trim()] as const];
  });
  if (pairs.length === 0) return unparsable('The text has no line like "name: value".');
  return { ok: true, value: Object.fromEntries(pairs) };
}

function linesOf(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** The named groups of the first match; null for one that took no part in it. */
function readGroups(text: string, { pattern }: Rules): Parsed {
  const compiled = compilePattern(pattern ?? '');
  if (!compiled.ok) return unparsable(compiled.fault);
  const { engine } = compiled;
  if (!new PatternWork().allows(engine, text)) {
    return unparsable(`The text has ${text.length} characters, too many for this pattern.`);
  }
  const matcher = engine.matcher(text);
  if (!matcher.find()) return unparsable('The pattern matches nothing in the text.');
  const groups = Object.keys(engine.namedGroups()).map((name) => [name, matcher.group(name) ?? null] as const);
  return { ok: true, value: Object.fromEntries(groups) };
}
