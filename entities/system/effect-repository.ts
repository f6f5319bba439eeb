import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Json } from '../../domain/json.ts';
import type { EffectState } from '../../domain/system/outbox.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';

/** How the ledger stands for one effect. */
export interface EffectRecord {
  /** What it is known by, here and on the other side. */
  readonly key: string;
  readonly state: EffectState;
  readonly requestHash: string;
  readonly result: Json;
  /** Why the result of an effect that happened could not be recorded. */
  readonly fault: string | null;
  /** True for the call that wrote the row just now. */
  readonly created: boolean;
}

/** One effect of a node, as it is asked for. */
export interface AnnouncedEffect {
  readonly nodeId: string;
  readonly step: string;
  readonly requestHash: string;
  readonly attempt: number;
  readonly whenInDoubt: 'repeat' | 'stop';
}

interface Row {
  readonly effect_key: string;
  readonly state: EffectState;
  readonly request_hash: string;
  readonly result: Json;
  readonly fault: string | null;
  readonly created: boolean;
}

/** The ledger of effects on the outside world: one row for each effect key, written before the call. */
export class EffectRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Announces an effect, or returns what was written for it before: by an earlier attempt, or by an earlier trace of the
   * task whose effects count (`tasks.effects_since`). An effect of an earlier trace that is done answers this one. One
   * that is in doubt is called again under its key with `repeat`; with `stop` it is announced anew, since the person who
   * redrove the task was told to look it up.
   */
  async announce(execution: ExecutionRef, effect: AnnouncedEffect): Promise<EffectRecord> {
    const { nodeId, step, requestHash, attempt, whenInDoubt } = effect;
    const { tenant, taskId, traceNumber } = execution;
    const key = `${taskId}/${traceNumber}/${nodeId}/${step}`;
    const result = await sql<Row>`
      with known as (
        select e.effect_key, e.state, e.request_hash, e.result, e.fault
        from muster.tasks t
          cross join lateral generate_series(greatest(t.effects_since, 1), ${traceNumber}::int) as number
          join muster.activity_effects e on e.tenant_id = ${tenant}
            and e.effect_key = ${taskId}::text || '/' || number || ${`/${nodeId}/${step}`}::text
        where t.id = ${taskId}
          and (number = ${traceNumber} or e.state = 'done' or ${whenInDoubt === 'repeat'})
        order by number desc limit 1
      ), announced as (
        insert into muster.activity_effects (tenant_id, effect_key, task_id, state, request_hash, attempt)
        select ${tenant}, ${key}, ${taskId}, 'pending', ${requestHash}, ${attempt} where not exists (select from known)
        on conflict (tenant_id, effect_key) do nothing
        returning effect_key, state, request_hash, result, fault
      )
      select *, true as created from announced
      union all
      select *, false from known`.execute(this.#em.getKysely());
    // Another attempt may have announced it at this very moment: a second look sees its row.
    const row = result.rows[0] ?? (await this.#find(execution, key));
    if (row === undefined) throw new Error(`The effect ${key} is neither new nor known.`);
    const { effect_key, state, request_hash, result: recorded, fault, created } = row;
    return { key: effect_key, state, requestHash: request_hash, result: recorded, fault, created };
  }

  async #find({ tenant }: ExecutionRef, key: string): Promise<Row | undefined> {
    const result = await sql<Row>`
      select effect_key, state, request_hash, result, fault, false as created from muster.activity_effects
      where tenant_id = ${tenant} and effect_key = ${key}`.execute(this.#em.getKysely());
    return result.rows[0];
  }

  /** Records that it has happened, with its result or with why that cannot be kept. The first record stands. */
  async finish(execution: ExecutionRef, key: string, done: { result: Json; fault: string | null }): Promise<void> {
    await sql`update muster.activity_effects set state = 'done', result = ${JSON.stringify(done.result)}::jsonb,
        fault = ${done.fault}, finished_at = now()
      where tenant_id = ${execution.tenant} and effect_key = ${key} and state = 'pending'`.execute(
      this.#em.getKysely(),
    );
  }
}
