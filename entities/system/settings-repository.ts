import { LockMode, sql } from '@mikro-orm/core';
import type { Json } from '../../domain/json.ts';
import { Repository } from '../repository.ts';
import { SystemConfig } from './system-config.ts';

/** Which settings there are: the keys of `system_config`. */
const SETTINGS_KEYS = ['queue', 'limits', 'telemetry'] as const;
export type SettingsKey = (typeof SETTINGS_KEYS)[number];

/** The settings of the whole installation. Readers parse them, because rows may be written manually. */
export class SettingsRepository extends Repository {
  /** The stored value; null before the first change. One statement. */
  async read(key: SettingsKey): Promise<unknown> {
    const stored = await this.em.findOne(SystemConfig, key);
    return stored?.value ?? null;
  }

  /**
   * Changes settings under the lock of their row: two changes at once happen one after the other. Needs a system unit of
   * work. What `change` throws, changes nothing.
   * @param change is given an empty object before the first change
   */
  async change<Value extends Json>(key: SettingsKey, change: (stored: unknown) => Value): Promise<Value> {
    await this.em.createQueryBuilder(SystemConfig).insert({ key, value: {} }).onConflict().ignore().execute();
    const stored = await this.em.findOneOrFail(SystemConfig, key, { lockMode: LockMode.PESSIMISTIC_WRITE });
    const value = change(stored.value);
    await this.em.nativeUpdate(SystemConfig, key, { value, updatedAt: sql.now() });
    return value;
  }
}
