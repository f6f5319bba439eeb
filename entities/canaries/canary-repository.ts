import type { TenantId } from '../../domain/ids.ts';
import { ahead, now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { CanaryRow } from './canary-row.ts';

/** How a canary stands. */
export interface CanaryState extends Pick<CanaryRow, 'name' | 'outcomes'> {
  /** Until when it is closed; null where it is open. */
  readonly cooldownUntil: Date | null;
}

/** The canaries of a tenant. Their time is the database's. */
export class CanaryRepository extends Repository {
  /** How it stands; one that has no outcome yet is open. */
  async find(tenantId: TenantId, name: string): Promise<CanaryState> {
    const found = await this.#states(tenantId).where('name', '=', name).executeTakeFirst();
    return found ?? { name, outcomes: '', cooldownUntil: null };
  }

  list(tenantId: TenantId, limit: number): Promise<CanaryState[]> {
    return this.#states(tenantId).orderBy('name').limit(limit).execute();
  }

  /** The same under the lock of its row, which is made where there is none. */
  async lock(tenantId: TenantId, name: string): Promise<CanaryState> {
    await this.em
      .createQueryBuilder(CanaryRow)
      .insert({ tenantId, name })
      .onConflict(['tenantId', 'name'])
      .ignore()
      .execute('run', false);
    return this.#states(tenantId).where('name', '=', name).forUpdate().executeTakeFirstOrThrow();
  }

  /** Writes the outcomes of one that is locked. @param cooldownSeconds how long it is closed from now on; null: it is not */
  async note(
    tenantId: TenantId,
    { name, outcomes }: Pick<CanaryState, 'name' | 'outcomes'>,
    cooldownSeconds: number | null,
  ) {
    await tables(this.em)
      .updateTable('canaries')
      .set({
        outcomes,
        updatedAt: now(),
        ...(cooldownSeconds === null ? {} : { cooldownUntil: ahead(cooldownSeconds) }),
      })
      .where('tenantId', '=', tenantId)
      .where('name', '=', name)
      .execute();
  }

  #states(tenantId: TenantId) {
    return tables(this.em)
      .selectFrom('canaries')
      .select(['name', 'outcomes'])
      .select((eb) =>
        eb.case().when('cooldownUntil', '>', now()).then(eb.ref('cooldownUntil')).else(null).end().as('cooldownUntil'),
      )
      .where('tenantId', '=', tenantId);
  }
}
