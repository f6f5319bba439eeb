import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Json } from '../../domain/json.ts';

/** Which settings there are: the keys of `system_config`. */
export const SETTINGS_KEYS = ['queue', 'limits'] as const;
export type SettingsKey = (typeof SETTINGS_KEYS)[number];

/** The settings of the whole installation. Whoever reads them parses them: rows may be written by hand. */
export class SettingsRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** The stored value; null before the first change. */
  async read(key: SettingsKey): Promise<unknown> {
    const result = await sql<{ value: unknown }>`
      select value from muster.system_config where key = ${key}`.execute(this.#em.getKysely());
    return result.rows[0]?.value ?? null;
  }

  /**
   * Changes settings under the lock of their row: two changes at once happen one after the other. Needs a system unit of
   * work. What `change` throws, changes nothing.
   */
  async change<Value extends Json>(key: SettingsKey, change: (stored: unknown) => Value): Promise<Value> {
    const kysely = this.#em.getKysely();
    await sql`insert into muster.system_config (key, value) values (${key}, 'null'::jsonb) on conflict do nothing`.execute(
      kysely,
    );
    const locked = await sql<{ value: unknown }>`
      select value from muster.system_config where key = ${key} for update`.execute(kysely);
    const value = change(locked.rows[0]?.value ?? null);
    await sql`
      update muster.system_config set value = ${JSON.stringify(value)}::jsonb, updated_at = now()
      where key = ${key}`.execute(kysely);
    return value;
  }
}
