import { isJsonObject, type Json } from '../json.ts';

const MAX_REPLY_CHARACTERS = 2_000;
/** The properties of an output that represent it, best first. */
const REPLY_PROPERTIES = ['reply', 'summary', 'text'] as const;

/** The text that a trace shows as its reply: an output that is a text, or its most informative property. */
export function replyOf(output: Json): string {
  const text = isJsonObject(output)
    ? REPLY_PROPERTIES.map((name) => output[name]).find((value) => typeof value === 'string')
    : output;
  return typeof text === 'string' ? text.slice(0, MAX_REPLY_CHARACTERS) : '';
}
