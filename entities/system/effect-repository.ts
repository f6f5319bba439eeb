import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Json } from '../../domain/json.ts';
import type { EffectState } from '../../domain/system/outbox.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';

/** How the ledger stands for one effect. */
export interface EffectRecord {
  readonly state: EffectState;
  readonly requestHash: string;
  readonly result: Json;
  /** True for the call that wrote the row just now. */
  readonly created: boolean;
}

/** The ledger of effects on the outside world: one row for each effect key, written before the call. */
export class EffectRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** Announces an effect, or returns what an earlier attempt wrote under the same key. */
  async announce(execution: ExecutionRef, key: string, requestHash: string, attempt: number): Promise<EffectRecord> {
    const result = await sql<{ state: EffectState; request_hash: string; result: Json; created: boolean }>`
      with announced as (
        insert into muster.activity_effects (tenant_id, effect_key, task_id, state, request_hash, attempt)
        values (${execution.tenant}, ${key}, ${execution.taskId}, 'pending', ${requestHash}, ${attempt})
        on conflict (tenant_id, effect_key) do nothing
        returning state, request_hash, result, true as created
      )
      select * from announced
      union all
      select state, request_hash, result, false from muster.activity_effects
      where tenant_id = ${execution.tenant} and effect_key = ${key}`.execute(this.#em.getKysely());
    const row = result.rows[0];
    if (row === undefined) throw new Error(`The effect ${key} is neither new nor known.`);
    return { state: row.state, requestHash: row.request_hash, result: row.result, created: row.created };
  }

  /** Records the result. The first one stands. */
  async finish(execution: ExecutionRef, key: string, result: Json): Promise<void> {
    await sql`update muster.activity_effects set state = 'done', result = ${JSON.stringify(result)}::jsonb,
        finished_at = now()
      where tenant_id = ${execution.tenant} and effect_key = ${key} and state = 'pending'`.execute(
      this.#em.getKysely(),
    );
  }
}
