import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Expression, ExpressionBuilder, SqlBool, UpdateObject } from 'kysely';
import type { JsonObject } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { constant, jsonOf } from '../../entities/insert-from.ts';
import type { ColumnTables } from '../../entities/statements/column-tables.ts';
import { inMs } from '../../entities/statements/time-expressions.ts';
import type { AttemptLeft, RunAttempt } from './notes.ts';

type Runs = ExpressionBuilder<ColumnTables, 'agent_runs'>;
type Change = UpdateObject<ColumnTables, 'agent_runs'>;

/** Of the row of an attempt that is under way and that none has overtaken. */
function isRunning(eb: Runs, { traceId, nodeId, number }: RunAttempt): Expression<SqlBool> {
  return eb.and({ trace_id: traceId, node_id: nodeId, status: 'running' as const, attempts: number });
}

/**
 * Writes how an attempt left its run without an end: one statement. Nothing changes where a later attempt has taken over.
 * @returns false only for a limit that the run would wait for too long, and whose task has no deadline that ends the
 *   waiting: then nothing is noted
 */
export async function leaveAttempt(
  em: SqlEntityManager,
  run: RunAttempt,
  { execution, left }: { readonly execution: ExecutionRef; readonly left: AttemptLeft },
): Promise<boolean> {
  const db = em.getKysely<ColumnTables>();
  const result = await db
    .with('left', (q) =>
      q
        .updateTable('agent_runs')
        .set((eb): Change => ({ status: 'pending', ...changeOf(eb, run, left) }))
        .where((eb) => isRunning(eb, run))
        .where((eb) => mayWait(eb, execution, left))
        .returning('id'),
    )
    .selectNoFrom((eb) => [
      eb.exists(eb.selectFrom('left').select('id')).as('is_noted'),
      eb
        .exists(
          eb
            .selectFrom('agent_runs')
            .select('id')
            .where((eb) => isRunning(eb, run)),
        )
        .as('was_running'),
    ])
    .executeTakeFirstOrThrow();
  return Boolean(result.is_noted) || !result.was_running;
}

function changeOf(eb: Runs, { number }: RunAttempt, left: AttemptLeft): Change {
  switch (left.because) {
    case 'failed':
      return {
        failures: eb('failures', '+', 1),
        next_attempt_at: inMs(constant(left.waitMs, 'float8')),
        error_code: left.error.code,
        error_text: left.error.message,
      };
    case 'limited':
      return {
        limited: true,
        limit_wait_ms: eb('limit_wait_ms', '+', moreMs(left)),
        next_attempt_at: inMs(constant(left.waitMs, 'float8')),
      };
    case 'lost':
      return {
        crashes: eb('crashes', '+', 1),
        losses: eb('losses', '||', eb.cast<JsonObject>(jsonOf({ [number]: left.how }), 'jsonb')),
      };
    case 'given back':
      return {};
  }
}

function moreMs({ waitMs, waitedMs }: Extract<AttemptLeft, { because: 'limited' }>): number {
  return Math.ceil(waitMs + waitedMs);
}

function mayWait(eb: Runs, { taskId }: ExecutionRef, left: AttemptLeft): Expression<SqlBool> {
  if (left.because !== 'limited') return eb.lit(true);
  const task = eb.selectFrom('tasks').select('id').where('id', '=', taskId).where('deadline_at', 'is not', null);
  return eb.or([eb('limit_wait_ms', '<=', Math.floor(left.mostMs) - moreMs(left)), eb.exists(task)]);
}
