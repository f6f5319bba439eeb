import type { ErrorCode } from '../../errors.ts';
import { isJsonObject, type Json } from '../../json.ts';
import type { InputMapping } from '../definition.ts';
import { MAX_TEXT } from '../kinds.ts';
import { type GraphDocument, readInput } from '../read-source.ts';
import { nameOf } from '../read-unknown.ts';

/** What the rules of all kinds have in common whose nodes make their output of their input alone. */
export const PURE = {
  brings: () => ({}),
  drive: () => 'inline' as const,
  readers: ({ input }: WithInput) => ({ input }),
  decides: false,
};

interface WithInput {
  readonly input: InputMapping;
}

/** A pure node that comes to no output. */
interface Failed {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
}

export function failed(code: ErrorCode, message: string): Failed {
  return { ok: false, code, message };
}

/** What a node's input mapping gives. */
export function inputOf(
  { input }: WithInput,
  document: GraphDocument,
): { readonly ok: true; readonly value: Json } | Failed {
  const read = readInput(input, document);
  return read.ok ? read : failed('handler_input_invalid', `${read.pointer} has no value.`);
}

/** The text of an input like `{ text }`, other fields aside. */
export function textOf(
  node: WithInput,
  document: GraphDocument,
): { readonly ok: true; readonly text: string } | Failed {
  const input = inputOf(node, document);
  if (!input.ok) return input;
  const { value } = input;
  const text = isJsonObject(value) && Object.hasOwn(value, 'text') ? value.text : undefined;
  if (typeof text !== 'string') {
    const found = isJsonObject(value) ? nameOf(text) : nameOf(value);
    return failed('handler_input_invalid', `Its input needs a text as "text", found ${found}.`);
  }
  if (text.length <= MAX_TEXT) return { ok: true, text };
  return failed('handler_input_invalid', `It reads at most ${MAX_TEXT} characters, found ${text.length}.`);
}
