import { createHash } from 'node:crypto';
import { newId } from '../database/new-id.ts';
import type { MessageId } from '../domain/ids.ts';

export function newMessageId(): MessageId {
  return newId<MessageId>();
}

/**
 * The id that always belongs to these parts: a repetition finds what the first one wrote. A UUID of version 8, made
 * from their SHA-256; each part goes in with its length, so that no two lists of parts are the same.
 */
export function derivedId(...parts: readonly string[]): MessageId {
  const text = parts.map((part) => `${part.length}:${part}`).join('');
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return groups.join('-') as MessageId;
}
