import { compilePattern } from '../bounded-pattern.ts';
import { buildMapping } from '../build-mapping.ts';
import type { OutputParserNode } from '../definition.ts';
import { PARSE_FORMATS } from '../kinds.ts';
import { readMapping } from '../read-mapping.ts';
import { at, nameOf, note, type Place, readList, readText, readWord } from '../read-unknown.ts';
import type { KindRules } from './kind-rules.ts';
import { parseText } from './parse-text.ts';
import { failed, PURE, textOf } from './pure-node.ts';

const MAX_FIELDS = 100;

/** An output parser reads the text of its input as data, which is its output. */
export const outputParser: KindRules<OutputParserNode> = {
  ...PURE,
  property: 'parse',
  written: ['pattern', 'fields', 'input'],
  objective: 'Reads a text as data.',
  build: ({ parse = 'json', pattern = null, fields = [], input }) => {
    return { parse, pattern, fields, input: buildMapping(input) };
  },
  fields: ['parse', 'pattern', 'fields', 'input'],
  parse: (field) => {
    const parse = readWord(...field('parse'), PARSE_FORMATS);
    const [pattern, place] = field('pattern');
    return {
      parse,
      pattern: parse === 'regex' ? readPattern(pattern, place) : readNothing(pattern, place, parse),
      fields: readFields(...field('fields'), parse),
      input: readMapping(...field('input')),
    };
  },
  plan: { input: { fields: {} }, pattern: null, fields: [] },
  evaluate: (node, document) => {
    const read = textOf(node, document);
    if (!read.ok) return read;
    const parsed = parseText(node, read.text);
    return parsed.ok ? { ok: true, output: parsed.value } : failed('output_unparsable', parsed.message);
  },
};

function readPattern(value: unknown, place: Place): string {
  const fault = patternFault(value);
  if (fault !== null) note(place, 'expression_invalid', fault);
  return typeof value === 'string' ? value : '';
}

function patternFault(value: unknown): string | null {
  if (typeof value !== 'string') return `The format "regex" needs a pattern, found ${nameOf(value)}.`;
  const compiled = compilePattern(value);
  if (!compiled.ok) return compiled.fault;
  const names = Object.keys(compiled.engine.namedGroups());
  return names.length > 0 ? null : 'The pattern needs a named group like (?P<name>…), which becomes the output.';
}

function readNothing(value: unknown, place: Place, parse: string): null {
  if (value !== null && value !== undefined) note(place, 'malformed', `The format "${parse}" has no pattern.`);
  return null;
}

function readFields(value: unknown, place: Place, parse: string): readonly string[] {
  const fields = readList(value, place, readText);
  if (fields.length > MAX_FIELDS) note(place, 'malformed', `Expected at most ${MAX_FIELDS} names.`);
  if (parse === 'list' && fields.length > 0) note(at(place, 0), 'malformed', 'The format "list" has no fields.');
  return fields;
}
