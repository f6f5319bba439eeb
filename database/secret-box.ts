import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { MusterError } from '../domain/errors.ts';

/** What a secret is for. A ciphertext that is moved to another place does not open there. */
export interface SecretPlace {
  readonly tenant: string;
  readonly purpose: string;
  readonly name: string;
}

/** `MUSTER_SECRET_KEY` is not set, so that a secret can be neither stored nor read. Nothing was done. */
class SecretKeyMissing extends MusterError {
  readonly code = 'secret_key_missing';
  constructor() {
    super(
      'MUSTER_SECRET_KEY is not set, so no key can be stored or read. Set it to 64 hexadecimal digits, the same for every process: `openssl rand -hex 32` makes some.',
    );
  }
}

/** A stored secret cannot be read: it is not encrypted, was changed, belongs elsewhere, or was made with another key. */
class SecretUnreadable extends MusterError {
  readonly code = 'secret_unreadable';
  constructor({ tenant, purpose, name }: SecretPlace, why: string) {
    super(`The stored ${purpose} of "${name}" cannot be read: ${why}. Set it again.`, { tenant, purpose, name });
  }
}

const PREFIX = 'enc:v1:';
const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
/** Node accepts tags of four bytes where this is not demanded. */
const TAG_BYTES = 16;

/** Encrypts what is stored and must not be read in the database: AES-256-GCM with a fresh nonce and the place bound in. */
export class SecretBox {
  readonly #key: Buffer | null;

  /** @param key 64 hexadecimal digits; null refuses everything */
  constructor(key: string | null) {
    this.#key = key === null ? null : Buffer.from(key, 'hex');
  }

  /** @returns `enc:v1:` and the base64 of nonce, tag and ciphertext @throws SecretKeyMissing */
  seal(secret: string, place: SecretPlace): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#required(), iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(placeBytes(place));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return `${PREFIX}${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')}`;
  }

  /** @throws SecretKeyMissing, SecretUnreadable */
  open(sealed: string, place: SecretPlace): string {
    const key = this.#required();
    if (!sealed.startsWith(PREFIX)) throw new SecretUnreadable(place, 'it is not encrypted');
    const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64');
    // Base64 is read leniently: only the one form that is written counts.
    const isWhole = bytes.length >= IV_BYTES + TAG_BYTES && sealed === `${PREFIX}${bytes.toString('base64')}`;
    if (!isWhole) throw new SecretUnreadable(place, 'it is cut off or changed');
    try {
      const iv = bytes.subarray(0, IV_BYTES);
      const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
      decipher.setAAD(placeBytes(place));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const opened = [decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()];
      return Buffer.concat(opened).toString('utf8');
    } catch {
      throw new SecretUnreadable(place, 'it was changed, belongs elsewhere, or another MUSTER_SECRET_KEY made it');
    }
  }

  /** @throws SecretKeyMissing */
  #required(): Buffer {
    if (this.#key === null) throw new SecretKeyMissing();
    return this.#key;
  }
}

function placeBytes({ tenant, purpose, name }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify([tenant, purpose, name]));
}
