import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { ModelAnswer } from '../../domain/models/model-messages.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { jsonOf } from '../../entities/insert-from.ts';
import { tables } from '../../entities/tables.ts';

/** One step of a thinking run. */
export interface StepPlace {
  readonly execution: ExecutionRef;
  readonly path: RunPath;
  readonly step: number;
}

/** A model call that is about to be made. */
export interface AnnouncedCall extends StepPlace {
  readonly agent: string;
  readonly model: string;
  readonly requestHash: string;
  /** Of the activity that makes it. */
  readonly claim: string;
  readonly process: string;
}

/**
 * Announces a model call before it is made, or again after one that failed or is repeated in doubt. Repeating it
 * under the same claim changes nothing.
 * @returns how often the call has been announced; null for one that is done
 */
export async function announceCall(em: SqlEntityManager, call: AnnouncedCall): Promise<number | null> {
  const { execution, path, step, agent, model, requestHash, claim, process } = call;
  const { tenant: tenantId, traceId, taskId } = execution;
  const row = await tables(em)
    .insertInto('model_calls')
    .values({ tenantId, traceId, path, step, taskId, agent, model, state: 'pending', requestHash, claim, process })
    .onConflict((conflict) =>
      conflict
        .columns(['tenantId', 'traceId', 'path', 'step'])
        .doUpdateSet((eb) => ({
          state: 'pending',
          attempts: eb(
            'model_calls.attempts',
            '+',
            eb.case().when('model_calls.claim', '=', claim).then(0).else(1).end(),
          ),
          claim,
          process,
          requestHash,
          startedAt: eb.fn<Date>('now'),
        }))
        .where('model_calls.state', 'in', ['pending', 'failed']),
    )
    .returning('model_calls.attempts')
    .executeTakeFirst();
  return row?.attempts ?? null;
}

/** An answer, and why it does not fit the agent's output where it does not. */
export interface CallAnswered extends StepPlace {
  readonly answer: ModelAnswer;
  readonly fault: string | null;
}

/**
 * Records the answer of a model call. The first answer counts; what a later one cost is added to it, because it was paid for.
 * @returns whether this is the answer that counts
 */
export async function recordAnswer(em: SqlEntityManager, { answer, fault, ...place }: CallAnswered): Promise<boolean> {
  const { text, calls, finish, usage, provider, costMicros, keySource } = answer;
  const first = await calledAt(em, place)
    .set((eb) => ({
      state: 'done',
      answer: eb.cast<never>(jsonOf({ text, calls: calls.map((call) => ({ ...call })), finish }), 'jsonb'),
      ...{ fault, provider, keySource, error: null },
      finishedAt: eb.fn<Date>('clock_timestamp'),
    }))
    .where('state', '<>', 'done')
    .executeTakeFirst();
  await calledAt(em, place)
    .set((eb) => ({
      inputTokens: eb('inputTokens', '+', usage.inputTokens),
      cachedTokens: eb('cachedTokens', '+', usage.cachedTokens),
      outputTokens: eb('outputTokens', '+', usage.outputTokens),
      reasoningTokens: eb('reasoningTokens', '+', usage.reasoningTokens),
      costMicros: eb('costMicros', '+', costMicros),
    }))
    .execute();
  return first.numUpdatedRows > 0n;
}

/** Records that a model call was certainly not answered. @returns how often that has happened */
export async function recordFailure(em: SqlEntityManager, place: StepPlace, failure: Failure): Promise<number> {
  const row = await calledAt(em, place)
    .set((eb) => ({
      state: 'failed',
      failures: eb('failures', '+', 1),
      error: eb.cast<never>(jsonOf({ ...failure }), 'jsonb'),
    }))
    .where('state', '=', 'pending')
    .returning('failures')
    .executeTakeFirst();
  return row?.failures ?? 0;
}

/** Records that nobody knows whether a model call was answered, and that it is not to be made again. */
export async function recordDoubt(em: SqlEntityManager, place: StepPlace): Promise<void> {
  await calledAt(em, place).set({ state: 'in_doubt' }).where('state', '=', 'pending').execute();
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
