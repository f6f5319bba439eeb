import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { ExpressionBuilder } from 'kysely';
import type { Json } from '../../domain/json.ts';
import type { ContextReport } from '../../domain/models/context-budget.ts';
import type { ModelAnswer } from '../../domain/models/model-messages.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { ahead } from '../../entities/common-expressions.ts';
import { jsonOf } from '../../entities/insert-from.ts';
import { type Tables, tables } from '../../entities/tables.ts';
import { ModelCall } from '../../entities/thinking/model-call.ts';

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

/** A model call that is about to be made. */
export interface AnnouncedCall extends ClaimedStep {
  /** The claim of the row as it was read; null where there was none. */
  readonly after: string | null;
  readonly agent: string;
  readonly model: string;
  readonly requestHash: string;
  /** What of the conversation the request holds. */
  readonly context: ContextReport | null;
  /** The process that makes it. */
  readonly process: string;
}

/**
 * Announces a model call before it is made, or again after one that failed or is repeated in doubt. Repeating it
 * under the same claim changes nothing.
 * @returns how often the call has been announced; null for one that is done, or that somebody else has announced meanwhile
 */
export async function announceCall(em: SqlEntityManager, call: AnnouncedCall): Promise<number | null> {
  const { execution, path, step, agent, model, requestHash, claim, after, process } = call;
  const { tenant: tenantId, traceId, taskId } = execution;
  const row = await tables(em)
    .insertInto('model_calls')
    .values((eb) => ({
      ...{ tenantId, traceId, path, step, taskId, agent, model, requestHash, claim, process },
      state: 'pending',
      context: call.context === null ? null : eb.cast<never>(jsonOf(call.context as unknown as Json), 'jsonb'),
    }))
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
          ...{ claim, process, requestHash },
          context: eb.ref('excluded.context'),
          startedAt: eb.fn<Date>('now'),
        }))
        .where('model_calls.state', 'in', ['pending', 'left', 'failed'])
        .where('model_calls.claim', 'in', after === null ? [claim] : [claim, after]),
    )
    .returning('model_calls.attempts')
    .executeTakeFirst();
  return row?.attempts ?? null;
}

/** An answer, and why it does not fit the agent's output where it does not. */
export interface CallAnswered extends ClaimedStep {
  readonly answer: ModelAnswer;
  readonly fault: string | null;
}

/** Whether an answer counts: `new` was recorded just now, `known` by this very claim before. Of a `late` one, another does. */
export type AnswerRecord = 'new' | 'known' | 'late';

/**
 * Records the answer of a model call. The first answer counts; what a later one cost is added to it, because it was paid
 * for. Repeating it under the same claim changes nothing.
 */
export async function recordAnswer(em: SqlEntityManager, answered: CallAnswered): Promise<AnswerRecord> {
  const { text, calls, finish, provider, keySource } = answered.answer;
  const first = await calledAt(em, answered)
    .set((eb) => ({
      ...paidBy(answered, eb),
      state: 'done',
      answer: eb.cast<never>(jsonOf({ text, calls: calls.map((call) => ({ ...call })), finish }), 'jsonb'),
      ...{ fault: answered.fault, provider, keySource, error: null },
      finishedAt: eb.fn<Date>('clock_timestamp'),
    }))
    .where('state', '<>', 'done')
    .executeTakeFirst();
  if (first.numUpdatedRows > 0n) return 'new';
  await calledAt(em, answered)
    .set((eb) => paidBy(answered, eb))
    .where((eb) => eb.not(eb(eb.cast<string>(eb.val(answered.claim), 'uuid'), '=', eb.fn.any('paidClaims'))))
    .execute();
  const { traceId, tenant: tenantId } = answered.execution;
  const { path, step } = answered;
  const { paidClaims } = await em.findOneOrFail(ModelCall, { tenantId, traceId, path, step }, { refresh: true });
  return paidClaims[0] === answered.claim ? 'known' : 'late';
}

/** What an answer adds to the sums of its row. */
function paidBy({ answer, claim }: CallAnswered, eb: ExpressionBuilder<Tables, 'model_calls'>) {
  const { usage, costMicros } = answer;
  return {
    inputTokens: eb('inputTokens', '+', usage.inputTokens),
    cachedTokens: eb('cachedTokens', '+', usage.cachedTokens),
    outputTokens: eb('outputTokens', '+', usage.outputTokens),
    reasoningTokens: eb('reasoningTokens', '+', usage.reasoningTokens),
    costMicros: eb('costMicros', '+', costMicros),
    paidClaims: eb.fn<string[]>('array_append', ['paidClaims', eb.cast(eb.val(claim), 'uuid')]),
  };
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
