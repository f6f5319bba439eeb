import { z } from 'zod';
import type { SecretPlace } from '../../database/secret-box.ts';
import { type KeyOwner, ProviderKeyRepository } from '../../entities/models/provider-key-repository.ts';
import { text, textLike } from '../../options/fields.ts';
import { OptionInvalid } from '../../options/parse-options.ts';
import { type AuditNote, type Call, defineOperation } from '../define.ts';

/** Whose key, and for which provider of the settings. */
export interface KeyInput {
  readonly provider: string;
  /** @defaultValue the whole tenant */
  readonly user?: string;
}

export interface SetKeyInput extends KeyInput {
  /** 1 to 4,096 printable characters without spaces. */
  readonly key: string;
}

/** A key that is stored. The key itself is never answered. */
export interface StoredKey {
  readonly provider: string;
  /** Null for the key of the whole tenant. */
  readonly user: string | null;
  readonly updatedAt: Date;
}

const provider = textLike('1 to 64 letters, digits, dots, underscores or hyphens', (name) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name),
);
const user = text({ max: 320 }).optional();
/** Checked by the operation itself: what the reader of inputs refuses, it quotes. */
const key = z.unknown().meta({ type: 'string', description: 'a key' }) as unknown as z.ZodType<string>;
const KEY = /^[\x21-\x7e]{1,4096}$/;
const CHANGE = {
  ...({ effect: 'write', risk: 'high_risk', permission: 'models:admin', by: 'person', unit: 'tenant' } as const),
};

/** Stores a key encrypted, in place of the one before; calls that begin later use it. */
export const setKey = defineOperation({
  ...CHANGE,
  name: 'models.setKey',
  summary: "Stores a tenant's or a user's key for a provider of models, encrypted.",
  input: { provider, user, key },
  handle: async ({ em, ...call }, { key: given, ...input }: SetKeyInput): Promise<{ stored: true }> => {
    if (typeof given !== 'string' || !KEY.test(given)) {
      throw new OptionInvalid('models.setKey', [
        '`key` must be a text of 1 to 4096 printable characters without spaces',
      ]);
    }
    const owner = ownerOf(call, input);
    await new ProviderKeyRepository(em).keep(owner, call.stores.secrets.seal(given, placeOf(owner)));
    return { stored: true };
  },
  audit: (_answer, input) => noteOf('set', input),
});

export const removeKey = defineOperation({
  ...CHANGE,
  name: 'models.removeKey',
  summary: "Removes a tenant's or a user's key for a provider of models.",
  input: { provider, user },
  handle: async ({ em, ...call }, input: KeyInput): Promise<{ removed: boolean }> => {
    return { removed: await new ProviderKeyRepository(em).remove(ownerOf(call, input)) };
  },
  audit: ({ removed }, input) => (removed ? noteOf('removed', input) : null),
});

export const listKeys = defineOperation({
  name: 'models.keys',
  summary: 'Lists which keys for providers of models are stored, without the keys.',
  effect: 'read',
  risk: 'read_only',
  permission: 'models:read',
  unit: 'tenant',
  input: {},
  handle: async ({ em, caller }): Promise<readonly StoredKey[]> => {
    const stored = await new ProviderKeyRepository(em).list(caller.tenant);
    return stored.map(({ provider: name, userId, updatedAt }) => ({
      provider: name,
      user: userId === '' ? null : userId,
      updatedAt,
    }));
  },
});

function ownerOf({ caller }: Pick<Call, 'caller'>, { provider: name, user: userId = '' }: KeyInput): KeyOwner {
  return { tenantId: caller.tenant, userId, provider: name };
}

/** What a stored key is bound to: in no other tenant, of no other user, for no other provider does it open. */
export function placeOf({ tenantId, userId, provider: name }: KeyOwner): SecretPlace {
  return { tenant: tenantId, purpose: 'provider key', name: `${name}/${userId}` };
}

function noteOf(what: 'set' | 'removed', { provider: name, user: userId }: KeyInput): AuditNote {
  return {
    action: `provider_key.${what}`,
    subjectType: 'provider_key',
    subjectId: name,
    ...(userId === undefined ? {} : { details: { user: userId } }),
  };
}
