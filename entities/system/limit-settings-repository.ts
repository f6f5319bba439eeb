import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { SUPERVISION_PROCESS } from '../../domain/agents/lease.ts';

/** What a limiter has to know from the database. */
export interface StoredLimits {
  /** The row `limits` of `system_config` as it stands; null before the first change. */
  readonly value: unknown;
  /** Processes that hold a lease and have renewed it lately. */
  readonly liveProcesses: number;
}

/** What limiters read every second or two. Rows may be written by hand, so whoever reads them parses them. */
export class LimitSettingsRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** One statement; uses agent_leases_open_index. Needs a system unit of work, since leases belong to tenants. */
  async read(): Promise<StoredLimits> {
    const result = await sql<{ value: unknown; processes: string }>`
      select (select value from muster.system_config where key = 'limits') as value,
        (select count(*) from muster.agent_leases
         where ended_at is null and renewed_at > now() - interval '45 seconds'
           and process <> ${SUPERVISION_PROCESS}) as processes`.execute(this.#em.getKysely());
    const row = result.rows[0];
    return { value: row?.value ?? null, liveProcesses: Number(row?.processes ?? 0) };
  }
}
