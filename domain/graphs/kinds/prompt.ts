import { isJsonObject, type Json } from '../../json.ts';
import { buildMapping } from '../build-mapping.ts';
import type { InputMapping, PromptNode } from '../definition.ts';
import { MAX_TEXT } from '../kinds.ts';
import { readMapping } from '../read-mapping.ts';
import { note, type Place, readText } from '../read-unknown.ts';
import type { Evaluated, KindRules } from './kind-rules.ts';
import { failed, inputOf, PURE } from './pure-node.ts';

const MAX_TEMPLATE = 20_000;
/** Anything else in two braces is plain text, JSON for example. */
const PLACEHOLDER = /\{\{ {0,4}([A-Za-z_][A-Za-z0-9_-]{0,63}) {0,4}\}\}/g;

/** A prompt puts its input into a template: its output is `{ text }`. */
export const prompt: KindRules<PromptNode> = {
  ...PURE,
  property: 'prompt',
  written: ['input'],
  objective: 'Puts its input into a template.',
  build: (spec) => ({ prompt: spec.prompt ?? '', input: buildMapping(spec.input) }),
  fields: ['prompt', 'input'],
  parse: (field) => {
    const input = readMapping(...field('input'));
    return { prompt: readTemplate(...field('prompt'), input), input };
  },
  plan: { input: { fields: {} }, prompt: '' },
  evaluate: (node, document) => {
    const input = inputOf(node, document);
    return input.ok ? fillTemplate(node.prompt, input.value) : input;
  },
};

/** Reads a template, and notes what of it an input of these fields cannot have. */
export function readTemplate(value: unknown, place: Place, input: InputMapping): string {
  const template = readText(value, place);
  if (template.length > MAX_TEMPLATE) {
    note(place, 'expression_invalid', `Expected at most ${MAX_TEMPLATE} characters, found ${template.length}.`);
    return '';
  }
  // What a pointer to a whole input finds is not known before it is read.
  if (!('fields' in input)) return template;
  const unknown = namesIn(template).find((name) => !Object.hasOwn(input.fields, name));
  if (unknown !== undefined) {
    note(place, 'expression_invalid', `The template has {{${unknown}}}, but the node has no input "${unknown}".`);
  }
  return template;
}

function namesIn(template: string): readonly string[] {
  return [...template.matchAll(PLACEHOLDER)].map(([, name]) => name ?? '');
}

/** The template with its placeholders filled: `{ text }`. */
export function fillTemplate(template: string, values: Json): Evaluated {
  const names = namesIn(template);
  const texts = new Map<string, string>();
  for (const name of new Set(names)) {
    const value = isJsonObject(values) && Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) {
      return failed('handler_input_invalid', `The template has {{${name}}}, but its input has no "${name}".`);
    }
    texts.set(name, asText(value));
  }
  // Counted before it is made: a name may occur a thousand times.
  const length = names.reduce((sum, name) => sum + (texts.get(name)?.length ?? 0), template.length);
  if (length > MAX_TEXT) {
    return failed(
      'handler_input_invalid',
      `The text would have ${length} characters; at most ${MAX_TEXT} are allowed.`,
    );
  }
  return { ok: true, output: { text: template.replaceAll(PLACEHOLDER, (_, name: string) => texts.get(name) ?? '') } };
}

/** A text as it is, nothing for null, anything else as JSON. */
function asText(value: Json): string {
  if (typeof value === 'string') return value;
  return value === null ? '' : JSON.stringify(value);
}
