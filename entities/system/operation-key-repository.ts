import type { TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { Repository } from '../repository.ts';
import { OperationKey } from './operation-key.ts';

/** Names a call: the same key of the same tenant for the same operation is the same call. */
export interface CallKey {
  readonly tenantId: TenantId;
  readonly operation: string;
  readonly key: string;
}

/** The calls that were made under idempotency keys. */
export class OperationKeyRepository extends Repository {
  /**
   * Takes a key for this transaction. Where another transaction holds it, waits for that one's end.
   * @returns null when the key is new; else the call that was made under it
   */
  async take(key: CallKey, requestHash: string): Promise<Pick<OperationKey, 'requestHash' | 'answer'> | null> {
    const taken = await this.em
      .createQueryBuilder(OperationKey)
      .insert({ ...key, requestHash })
      .onConflict(['tenantId', 'operation', 'key'])
      .ignore()
      .execute('run', false);
    if (taken.affectedRows === 1) return null;
    return this.em.findOneOrFail(OperationKey, { ...key }, { fields: ['requestHash', 'answer'] });
  }

  /** Keeps the answer of the call that took the key. */
  async keep(key: CallKey, answer: Json): Promise<void> {
    await this.em.nativeUpdate(OperationKey, { ...key }, { answer });
  }
}
