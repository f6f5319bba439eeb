import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { JsonObject } from '../../domain/json.ts';
import { jsonOf } from '../../entities/insert-from.ts';
import { tables } from '../../entities/tables.ts';
import { lossOf } from '../../entities/traces/statements/name-loss.ts';
import type { LostAttempt, RunAttempt } from './notes.ts';

/** Notes how an attempt was lost that a later one found without an end. What the process itself has said before stays. */
export async function findLoss(
  em: SqlEntityManager,
  { traceId, nodeId }: Omit<RunAttempt, 'number'>,
  { number, process }: LostAttempt,
): Promise<void> {
  await tables(em)
    .updateTable('agent_runs')
    .set((eb) => ({ losses: eb('losses', '||', eb.cast<JsonObject>(jsonOf({ [number]: lossOf(process) }), 'jsonb')) }))
    .where('traceId', '=', traceId)
    .where('nodeId', '=', nodeId)
    .where((eb) => eb.not(eb(eb.ref('losses').$castTo<string>(), '?', String(number))))
    .execute();
}

/** Lets a process say how its own attempt was, or will be, lost. */
export async function explainLoss(
  em: SqlEntityManager,
  { traceId, nodeId, number }: RunAttempt,
  how: string,
): Promise<void> {
  await tables(em)
    .updateTable('agent_runs')
    .set((eb) => ({ losses: eb('losses', '||', eb.cast<JsonObject>(jsonOf({ [number]: how }), 'jsonb')) }))
    .where('traceId', '=', traceId)
    .where('nodeId', '=', nodeId)
    .where('finishedAt', 'is', null)
    .execute();
}
