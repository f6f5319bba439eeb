import { sql } from '@mikro-orm/core';
import type { TenantId } from '../../domain/ids.ts';
import { Repository } from '../repository.ts';
import { ProviderKey } from './provider-key.ts';

/** Whose key for which provider; an empty user is the whole tenant. */
export interface KeyOwner {
  readonly tenantId: TenantId;
  readonly userId: string;
  readonly provider: string;
}

/** The stored keys of providers, as they are stored: encrypted. */
export class ProviderKeyRepository extends Repository {
  /** Stores a key in place of the one before. */
  async keep(owner: KeyOwner, secret: string): Promise<void> {
    await this.em
      .createQueryBuilder(ProviderKey)
      .insert({ ...owner, secret, updatedAt: sql.now() })
      .onConflict(['tenantId', 'userId', 'provider'])
      .merge(['secret', 'updatedAt'])
      .execute('run', false);
  }

  /** @returns whether there was one */
  async remove(owner: KeyOwner): Promise<boolean> {
    return (await this.em.nativeDelete(ProviderKey, { ...owner })) === 1;
  }

  /** The keys for a provider that a call on behalf of the user may use, the user's own first. One statement. */
  async usable({ tenantId, userId, provider }: KeyOwner): Promise<readonly Pick<ProviderKey, 'userId' | 'secret'>[]> {
    const where = { tenantId, provider, userId: { $in: [userId, ''] } };
    return this.em.find(ProviderKey, where, { fields: ['userId', 'secret'], orderBy: { userId: 'desc' } });
  }

  /** Whose keys there are. One statement. */
  async list(tenantId: TenantId): Promise<readonly Pick<ProviderKey, 'userId' | 'provider' | 'updatedAt'>[]> {
    const fields = ['userId', 'provider', 'updatedAt'] as const;
    return this.em.find(ProviderKey, { tenantId }, { fields, orderBy: { provider: 'asc', userId: 'asc' } });
  }
}
