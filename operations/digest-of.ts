import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../domain/json.ts';

/** The SHA-256 of a value's canonical JSON (RFC 8785), in lower-case hexadecimal: equal values have the same, whatever the order of their keys. */
export function digestOf(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
