import { type RawBuilder, sql } from 'kysely';
import type { Json } from '../../../domain/json.ts';
import type { EffectState } from '../../../domain/system/outbox.ts';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';

/** One effect of a node, as it is asked for. */
export interface AnnouncedEffect {
  readonly nodeId: string;
  readonly step: string;
  readonly requestHash: string;
  readonly attempt: number;
  readonly whenInDoubt: 'repeat' | 'stop';
}

export interface EffectRow {
  readonly effect_key: string;
  readonly state: EffectState;
  readonly request_hash: string;
  readonly result: Json;
  readonly fault: string | null;
  readonly created: boolean;
}

/** What an effect is known by, here and on the other side. */
export function effectKey({ taskId, traceNumber }: ExecutionRef, { nodeId, step }: AnnouncedEffect): string {
  return `${taskId}/${traceNumber}/${nodeId}/${step}`;
}

/**
 * Writes the row of an effect unless there is one, of this trace or of an earlier one whose effects count. SQL text because
 * kysely has no lateral series of trace numbers. By the ledger's primary key; one row for each earlier trace is looked up.
 */
export function announceEffect(execution: ExecutionRef, effect: AnnouncedEffect): RawBuilder<EffectRow> {
  const { nodeId, step, requestHash, attempt, whenInDoubt } = effect;
  const { tenant, taskId, traceNumber } = execution;
  return sql<EffectRow>`
    with known as (
      select e.effect_key, e.state, e.request_hash, e.result, e.fault
      from tasks t
        cross join lateral generate_series(greatest(t.effects_since, 1), ${traceNumber}::int) as number
        join activity_effects e on e.tenant_id = ${tenant}
          and e.effect_key = ${taskId}::text || '/' || number || ${`/${nodeId}/${step}`}::text
      where t.id = ${taskId} and (number = ${traceNumber} or e.state = 'done' or ${whenInDoubt === 'repeat'})
      order by number desc limit 1
    ), announced as (
      insert into activity_effects (tenant_id, effect_key, task_id, state, request_hash, attempt)
      select ${tenant}, ${effectKey(execution, effect)}, ${taskId}, 'pending', ${requestHash}, ${attempt}
      where not exists (select from known)
      on conflict (tenant_id, effect_key) do nothing
      returning effect_key, state, request_hash, result, fault
    )
    select *, true as created from announced
    union all
    select *, false from known`;
}
