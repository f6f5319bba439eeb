import type { SecretBox } from '../../database/secret-box.ts';
import type { Database } from '../../database/transaction.ts';
import type { TenantId } from '../../domain/ids.ts';
import type { FindKey } from '../../domain/models/model-messages.ts';
import { ProviderKeyRepository } from '../../entities/models/provider-key-repository.ts';
import { placeOf } from './keys.ts';

/** Finds keys on behalf of a user of a tenant; a null user has none of its own. */
export type KeysFor = (tenant: TenantId, user: string | null) => FindKey;

/**
 * Looks for a key of the user, then of the tenant, then of the host. A stored key that cannot be read is an error and
 * never skipped: another's key would pay silently.
 */
export function keyFinder({
  database,
  secrets,
  hostKey,
}: {
  readonly database: Database;
  readonly secrets: SecretBox;
  /** The host's own key for a provider, or null. */
  readonly hostKey: (provider: string) => string | null;
}): KeysFor {
  return (tenantId, user) => async (provider) => {
    const owner = { tenantId, userId: user ?? '', provider };
    const [stored] = await database.single.inTenant(tenantId, ({ em }) => new ProviderKeyRepository(em).usable(owner));
    if (stored !== undefined) {
      const key = secrets.open(stored.secret, placeOf({ ...owner, userId: stored.userId }));
      return { key, source: stored.userId === '' ? 'tenant' : 'user' };
    }
    const key = hostKey(provider);
    return key === null ? null : { key, source: 'host' };
  };
}
