import type { HandlerLog } from '../domain/agents/handler-log.ts';
import { isJsonObject, type JsonObject, notJson, toJson } from '../domain/json.ts';

const MAX_LINE_CHARACTERS = 10_000;

/**
 * The log that a handler is given. Logging never fails the handler: facts that are not JSON are logged as a fault, a
 * long line is cut. The runtime's facts come last, so that the handler's cannot replace them.
 */
export function handlerLog(log: HandlerLog, facts: JsonObject): HandlerLog {
  const all = (more: unknown) => ({ ...readableFacts(more), ...facts });
  return {
    info: (more, message) => log.info(all(more), shortText(message)),
    warn: (more, message) => log.warn(all(more), shortText(message)),
  };
}

function readableFacts(given: unknown): JsonObject {
  const json = toJson(given ?? {});
  if (!json.ok) return { unreadableFacts: notJson(json) };
  return isJsonObject(json.value) ? json.value : { facts: json.value };
}

function shortText(message: unknown): string {
  return typeof message === 'string' ? message.slice(0, MAX_LINE_CHARACTERS) : typeof message;
}
