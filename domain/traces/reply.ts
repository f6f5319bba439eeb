import { isJsonObject, type Json, type JsonObject } from '../json.ts';

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

/** Characters of JSON. */
const MOST_ROUTER = 20_000;

/** How it was decided who answers: what an output says of its `router`. */
export function routerOf(output: Json): JsonObject | undefined {
  const router = isJsonObject(output) ? output.router : undefined;
  if (router === undefined || !isJsonObject(router)) return undefined;
  return JSON.stringify(router).length <= MOST_ROUTER ? router : undefined;
}
