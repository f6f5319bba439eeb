import type { JsonObject } from '../json.ts';

/** Where a handler's lines go. */
export interface HandlerLog {
  info(facts: JsonObject, message: string): void;
  warn(facts: JsonObject, message: string): void;
}
