import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { ExpressionBuilder, UpdateObject } from 'kysely';
import type { JsonObject } from '../../domain/json.ts';
import type { LeavingVerdict } from '../../domain/traces/attempt.ts';
import { constant, jsonOf } from '../../entities/insert-from.ts';
import { inMs } from '../../entities/statements/time-expressions.ts';
import { type Tables, tables } from '../../entities/tables.ts';
import type { RunAttempt } from './notes.ts';

type Runs = ExpressionBuilder<Tables, 'agent_runs'>;
type Change = UpdateObject<Tables, 'agent_runs'>;

/**
 * Writes how an attempt left its run without an end: one statement. Nothing changes where the attempt is not under way any
 * more, because a later one has taken over, or because this has been written before.
 */
export async function leaveAttempt(em: SqlEntityManager, run: RunAttempt, verdict: LeavingVerdict): Promise<void> {
  const { traceId, nodeId, number } = run;
  await tables(em)
    .updateTable('agent_runs')
    .set((eb): Change => ({ status: 'pending', ...changeOf(eb, number, verdict) }))
    .where((eb) => eb.and({ traceId, nodeId, status: 'running' as const, attempts: number }))
    .execute();
}

function changeOf(eb: Runs, number: number, verdict: LeavingVerdict): Change {
  switch (verdict.kind) {
    case 'retry':
      return {
        failures: eb('failures', '+', 1),
        nextAttemptAt: inMs(constant(verdict.waitMs, 'float8')),
        errorCode: verdict.error.code,
        errorText: verdict.error.message,
      };
    case 'wait':
      return {
        limited: true,
        limitWaitMs: eb('limitWaitMs', '+', verdict.countedMs),
        nextAttemptAt: inMs(constant(verdict.waitMs, 'float8')),
        errorCode: 'rate_limited',
        errorText: verdict.message,
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
