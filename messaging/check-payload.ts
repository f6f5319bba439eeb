import { isJsonObject, isStorableJson, type Json, type JsonObject } from '../domain/json.ts';
import { MAX_PAYLOAD_BYTES } from '../domain/messaging/envelope.ts';

/**
 * What survives JSON of a payload: that is what is signed, stored and read. A text instead says what is wrong with it.
 */
export function asPayload(value: unknown): JsonObject | string {
  const text = jsonText(value);
  if (text === null) return 'expected an object that can be written as JSON as its payload.';
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_PAYLOAD_BYTES) {
    return (
      `its payload has ${bytes} bytes and may have ${MAX_PAYLOAD_BYTES}. Store what is large, as an artifact for ` +
      'example, and send where it is.'
    );
  }
  if (!isStorableJson(text)) return 'a text in its payload holds a NUL or half a character.';
  const parsed: Json = JSON.parse(text);
  return isJsonObject(parsed) ? parsed : 'expected an object as its payload.';
}

function jsonText(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
}
