import { type RawBuilder, sql } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';

/** A task that ended without having started. */
export interface EndedTask {
  readonly taskId: TaskId;
  readonly taskQueue: string;
}

/**
 * The rest of a statement that fails waiting tasks: those that its table `doomed` names, locked, with an `id` and an `error`
 * of a code and a message. Each is dead-lettered with the code as its reason, with an audit row and an outgoing event.
 */
export const FAIL_DOOMED: RawBuilder<{ id: string; task_queue: string }> = sql`
  ended as (
    update muster.tasks t set status = 'failed', completed_at = now(), held_at = null, error = d.error,
      dead_lettered_at = now(), dead_letter_reason = d.error ->> 'code'
    from doomed d where t.id = d.id
    returning t.id, t.tenant_id, t.task_queue, t.error
  ), audited as (
    insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id, details)
    select gen_random_uuid(), tenant_id, 'muster', 'task.failed', 'task', id::text,
      jsonb_build_object('reason', error ->> 'code') from ended
  ), sent as (
    insert into muster.outbox (tenant_id, topic, task_id) select tenant_id, 'task.finished', id from ended
  )
  select id, task_queue from ended`;

export function readEnded(row: { id: string; task_queue: string }): EndedTask {
  return { taskId: row.id as TaskId, taskQueue: row.task_queue };
}
