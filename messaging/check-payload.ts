import { isJsonObject, type JsonObject, notJson, toJson } from '../domain/json.ts';
import { MAX_PAYLOAD_BYTES } from '../domain/messaging/envelope.ts';

/**
 * What survives JSON of a payload: that is what is signed, stored and read. A text instead says what is wrong with it.
 */
export function asPayload(value: unknown): JsonObject | string {
  const json = toJson(value);
  if (!json.ok) return `expected an object that can be written as JSON as its payload: ${notJson(json)}`;
  const bytes = Buffer.byteLength(JSON.stringify(json.value));
  if (bytes > MAX_PAYLOAD_BYTES) {
    return (
      `its payload has ${bytes} bytes and may have ${MAX_PAYLOAD_BYTES}. Store what is large, as an artifact for ` +
      'example, and send where it is.'
    );
  }
  return isJsonObject(json.value) ? json.value : 'expected an object as its payload.';
}
