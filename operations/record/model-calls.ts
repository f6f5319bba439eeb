import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { ahead } from '../../entities/common-expressions.ts';
import { jsonOf } from '../../entities/insert-from.ts';
import { tables } from '../../entities/tables.ts';

/** One step of a thinking run. */
export interface StepPlace {
  readonly execution: ExecutionRef;
  readonly path: RunPath;
  readonly step: number;
}

/** A step on behalf of the activity that makes its call: a unit of work that runs again finds its own row by the claim. */
export interface ClaimedStep extends StepPlace {
  readonly claim: string;
}

/** Records that the worker that made a model call stops before its answer: it is not lost, but may be paid for. */
export async function recordCallLeft(em: SqlEntityManager, { claim, ...place }: ClaimedStep): Promise<void> {
  await calledAt(em, place)
    .set((eb) => ({ state: 'left', handovers: eb('handovers', '+', 1) }))
    .where('state', '=', 'pending')
    .where('claim', '=', claim)
    .execute();
}

/**
 * Records that a model call has no answer: refused, or broken off. Repeating it under the same claim changes nothing.
 * @returns how often that has happened; null where another claim has made the call since, or it is done
 */
export async function recordFailure(
  em: SqlEntityManager,
  { claim, ...place }: ClaimedStep,
  failure: Failure,
): Promise<number | null> {
  const row = await calledAt(em, place)
    .set((eb) => ({
      state: 'failed',
      failures: eb('failures', '+', eb.case().when('state', '=', 'pending').then(1).else(0).end()),
      error: eb.cast<never>(jsonOf({ ...failure }), 'jsonb'),
    }))
    .where('state', 'in', ['pending', 'failed'])
    .where('claim', '=', claim)
    .returning('failures')
    .executeTakeFirst();
  return row?.failures ?? null;
}

/** Records when a model call that has no answer is made again. */
export async function recordPostponed(
  em: SqlEntityManager,
  { claim, ...place }: ClaimedStep,
  waitMs: number,
): Promise<void> {
  await calledAt(em, place)
    .set({ retryAt: ahead(waitMs / 1_000) })
    .where('state', '=', 'failed')
    .where('claim', '=', claim)
    .execute();
}

/**
 * Records that nobody knows whether a model call was answered, and that it is not to be made again. Repeating it changes
 * nothing. @param step with the claim under which the call was found
 * @returns false where the call was made again since, or is done
 */
export async function recordDoubt(em: SqlEntityManager, { claim, ...place }: ClaimedStep): Promise<boolean> {
  const doubted = await calledAt(em, place)
    .set({ state: 'in_doubt' })
    .where('state', 'in', ['pending', 'left', 'in_doubt'])
    .where('claim', '=', claim)
    .executeTakeFirst();
  return doubted.numUpdatedRows > 0n;
}

function calledAt(em: SqlEntityManager, { execution, path, step }: StepPlace) {
  const { tenant, traceId } = execution;
  return tables(em)
    .updateTable('model_calls')
    .where('tenantId', '=', tenant)
    .where('traceId', '=', traceId)
    .where('path', '=', path)
    .where('step', '=', step);
}
