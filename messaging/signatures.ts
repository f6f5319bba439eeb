import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { JsonObject } from '../domain/json.ts';
import type { Envelope, SignedEnvelope } from '../domain/messaging/envelope.ts';
import { payloadText, signingText } from '../domain/messaging/signing-text.ts';

/** A process's key. Its private half never leaves the process. */
export interface SigningKey {
  /** Ed25519, as SPKI in base64. */
  readonly publicKey: string;
  sign(message: Envelope): SignedEnvelope;
}

export function createSigningKey(): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    sign: (message) => ({ ...message, signature: sign(null, textOf(message), privateKey).toString('base64') }),
  };
}

/** Public keys read from text: one for each process that sends. */
const known = new LRUCache<string, KeyObject>({
  max: 1_000,
  memoMethod: (key) => createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' }),
});

/** Whether the holder of a public key signed exactly this message. False for a key that is none. */
export function isSignedBy(publicKey: string, message: SignedEnvelope): boolean {
  try {
    return verify(null, textOf(message), known.memo(publicKey), Buffer.from(message.signature, 'base64'));
  } catch {
    return false;
  }
}

function textOf(message: Envelope): Buffer {
  return Buffer.from(signingText(message, hashOf(message.payload)));
}

function hashOf(payload: JsonObject): string {
  return createHash('sha256').update(payloadText(payload)).digest('hex');
}
