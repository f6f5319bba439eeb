import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { ExpressionBuilder, UpdateObject } from 'kysely';
import type { JsonObject } from '../../domain/json.ts';
import type { LeavingVerdict } from '../../domain/traces/attempt.ts';
import { constant, jsonOf } from '../../entities/insert-from.ts';
import type { ColumnTables } from '../../entities/statements/column-tables.ts';
import { inMs } from '../../entities/statements/time-expressions.ts';
import type { RunAttempt } from './notes.ts';

type Runs = ExpressionBuilder<ColumnTables, 'agent_runs'>;
type Change = UpdateObject<ColumnTables, 'agent_runs'>;

/**
 * Writes how an attempt left its run without an end: one statement. Nothing changes where the attempt is not under way any
 * more, because a later one has taken over, or because this has been written before.
 */
export async function leaveAttempt(em: SqlEntityManager, run: RunAttempt, verdict: LeavingVerdict): Promise<void> {
  const { traceId, nodeId, number } = run;
  await em
    .getKysely<ColumnTables>()
    .updateTable('agent_runs')
    .set((eb): Change => ({ status: 'pending', ...changeOf(eb, number, verdict) }))
    .where((eb) => eb.and({ trace_id: traceId, node_id: nodeId, status: 'running' as const, attempts: number }))
    .execute();
}

function changeOf(eb: Runs, number: number, verdict: LeavingVerdict): Change {
  switch (verdict.kind) {
    case 'retry':
      return {
        failures: eb('failures', '+', 1),
        next_attempt_at: inMs(constant(verdict.waitMs, 'float8')),
        error_code: verdict.error.code,
        error_text: verdict.error.message,
      };
    case 'wait':
      return {
        limited: true,
        limit_wait_ms: eb('limit_wait_ms', '+', verdict.countedMs),
        next_attempt_at: inMs(constant(verdict.waitMs, 'float8')),
      };
    case 'lost':
      return {
        crashes: eb('crashes', '+', 1),
        losses: eb('losses', '||', eb.cast<JsonObject>(jsonOf({ [number]: verdict.how }), 'jsonb')),
      };
    case 'give back':
      return {};
  }
}
