import { SUPERVISION_PROCESS } from '../../domain/agents/lease.ts';
import { DEAD_AFTER_SECONDS } from '../../domain/agents/liveness.ts';
import { ago } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';

/** What a limiter has to know from the database. */
export interface StoredLimits {
  /** The row `limits` of `system_config` as it stands; null before the first change. */
  readonly value: unknown;
  /** Processes that hold a lease and have renewed it lately. */
  readonly liveProcesses: number;
}

/** What limiters read every second or two. Rows may be written manually, so readers parse them. */
export class LimitSettingsRepository extends Repository {
  /** One statement; uses agent_leases_open_index. Needs a system unit of work, since leases belong to tenants. */
  async read(): Promise<StoredLimits> {
    const [row] = await tables(this.em)
      .selectNoFrom(({ selectFrom, fn }) => [
        selectFrom('system_config').select('value').where('key', '=', 'limits').as('value'),
        selectFrom('agent_leases')
          .select(fn.countAll<string>().as('count'))
          .where('endedAt', 'is', null)
          .where('renewedAt', '>', ago(DEAD_AFTER_SECONDS))
          .where('process', '<>', SUPERVISION_PROCESS)
          .as('processes'),
      ])
      .execute();
    return { value: row?.value ?? null, liveProcesses: Number(row?.processes ?? 0) };
  }
}
