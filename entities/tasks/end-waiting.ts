import type { QueryCreator } from 'kysely';
import type { TaskId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { auditRowsFrom } from '../audit/audit-rows.ts';
import { now } from '../common-expressions.ts';
import { column } from '../insert-from.ts';
import { outboxRowsFrom } from '../system/outbox-rows.ts';
import type { Tables } from '../tables.ts';

/** A task that ended without having started. */
export interface EndedTask {
  readonly taskId: TaskId;
  readonly taskQueue: string;
}

/** A waiting task that is to fail, locked, with an error of a code and a message. */
export interface Doomed {
  readonly id: TaskId;
  readonly error: JsonObject;
}

/**
 * The rest of a statement that fails the waiting tasks of its table `doomed`. Each is dead-lettered with the code as its
 * reason, with an audit row and an outgoing event.
 */
export async function failDoomed(db: QueryCreator<Tables & { doomed: Doomed }>): Promise<EndedTask[]> {
  const ended = await db
    .with('ended', (part) =>
      part
        .updateTable('tasks')
        .from('doomed')
        .set((eb) => ({
          status: 'failed',
          completedAt: now(),
          heldAt: null,
          error: eb.ref('doomed.error'),
          deadLetteredAt: now(),
          deadLetterReason: eb.fn<string>('jsonb_extract_path_text', ['doomed.error', eb.val('code')]),
        }))
        .whereRef('tasks.id', '=', 'doomed.id')
        .returning(['tasks.id', 'tasks.tenantId', 'tasks.taskQueue', 'tasks.deadLetterReason']),
    )
    .with('audited', () => {
      const details = { reason: column('dead_letter_reason') };
      return auditRowsFrom('ended', { actor: 'muster', action: 'task.failed', subjectType: 'task', details });
    })
    .with('sent', () => outboxRowsFrom('ended', { topic: 'task.finished' }))
    .selectFrom('ended')
    .selectAll()
    .execute();
  return ended.map(({ id, taskQueue }) => ({ taskId: id, taskQueue }));
}
