import type { JsonObject } from '../json.ts';

/** The log of a handler. */
export interface HandlerLog {
  info(facts: JsonObject, message: string): void;
  warn(facts: JsonObject, message: string): void;
}
