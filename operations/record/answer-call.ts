import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { QueryCreator } from 'kysely';
import type { TenantId, TraceId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { ModelAnswer } from '../../domain/models/model-messages.ts';
import type { TraceEventType } from '../../domain/traces/events.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { literal } from '../../entities/common-expressions.ts';
import { givenRows, givenValue } from '../../entities/statements/given-values.ts';
import { named } from '../../entities/statements/named-parts.ts';
import { type Places, Statement, statements } from '../../entities/statements/statement.ts';
import type { Tables } from '../../entities/tables.ts';
import { ModelCall } from '../../entities/thinking/model-call.ts';
import type { TraceParts } from '../../entities/traces/event-rows.ts';
import { traced } from '../../entities/traces/traced-statement.ts';
import type { ClaimedStep } from './model-calls.ts';
import { noteOne, numberOne } from './write-events.ts';

/** A tool call that a model asked for. One that cannot be carried out has its result at once. */
export interface AskedTool {
  readonly index: number;
  readonly tool: string;
  readonly callId: string;
  readonly arguments: Json;
  readonly digest: string;
  readonly refusal: string | null;
}

/** An answer, and what follows from it. */
export interface CallAnswered extends ClaimedStep {
  readonly answer: ModelAnswer;
  /** Why it does not fit the agent's output; null where it does. */
  readonly fault: string | null;
  readonly agent: string;
  readonly asked: readonly AskedTool[];
  /** What the trace says of it. */
  readonly event: Json;
}

/** What an answer cost, and of which step. */
const PAID = {
  tenantId: givenValue<TenantId>('text'),
  traceId: givenValue<TraceId>('uuid'),
  path: givenValue<RunPath>('text'),
  step: givenValue<number>('int'),
  claim: givenValue<string>('uuid'),
  inputTokens: givenValue<number>('int'),
  cachedTokens: givenValue<number>('int'),
  outputTokens: givenValue<number>('int'),
  reasoningTokens: givenValue<number>('int'),
  costMicros: givenValue<number>('bigint'),
};
type Paid = Places<typeof PAID>;

const GIVEN = {
  ...PAID,
  agent: givenValue<string>('text'),
  answer: givenValue<Json>('jsonb'),
  fault: givenValue<string | null>('text'),
  provider: givenValue<string>('text'),
  keySource: givenValue<string>('text'),
  asked: givenRows<AskedTool>({
    ...{ index: 'int', tool: 'text', callId: 'text', arguments: 'jsonb', digest: 'text', refusal: 'text' },
  }),
  event: givenValue<Json>('jsonb'),
};
type Given = Places<typeof GIVEN>;

/** What of an answer's row its other rows have in common. */
type Answered = Pick<ModelCall, 'tenantId' | 'traceId' | 'path' | 'step'> & { readonly taskId: string };

/** The row of a step, with what its answer adds to its sums. */
function paid(q: QueryCreator<Tables>, { tenantId, traceId, path, step, claim, ...amounts }: Paid) {
  return q
    .updateTable('model_calls')
    .set((eb) => ({
      inputTokens: eb('inputTokens', '+', amounts.inputTokens),
      cachedTokens: eb('cachedTokens', '+', amounts.cachedTokens),
      outputTokens: eb('outputTokens', '+', amounts.outputTokens),
      reasoningTokens: eb('reasoningTokens', '+', amounts.reasoningTokens),
      costMicros: eb('costMicros', '+', amounts.costMicros),
      paidClaims: eb.fn<string[]>('array_append', ['paidClaims', claim]),
    }))
    .where('tenantId', '=', tenantId)
    .where('traceId', '=', traceId)
    .where('path', '=', path)
    .where('step', '=', step);
}

/** The first answer of the call. */
function answered(given: Given) {
  const { answer, fault, provider, keySource } = given;
  return (q: QueryCreator<Tables>) =>
    paid(q, given)
      .set((eb) => ({
        ...{ state: literal('done'), answer: answer as never, fault, provider, keySource, error: null },
        finishedAt: eb.fn<Date>('clock_timestamp'),
      }))
      .where('state', '<>', literal('done'))
      .returning(['tenantId', 'traceId', 'path', 'step', 'taskId']);
}

/** What the model asked for. */
function askedRows({ agent }: Given) {
  return (q: QueryCreator<Tables & { answered: Answered; asked: AskedTool }>) =>
    q
      .insertInto('tool_calls')
      .columns([
        ...(['tenantId', 'traceId', 'path', 'step', 'taskId', 'agent', 'index', 'tool', 'callId'] as const),
        ...(['arguments', 'digest', 'state', 'result', 'finishedAt'] as const),
      ])
      .expression(
        q
          .selectFrom('answered as c')
          .innerJoin('asked as a', (join) => join.onTrue())
          .select(['c.tenantId', 'c.traceId', 'c.path', 'c.step', 'c.taskId', agent.as('agent')])
          .select(['a.index', 'a.tool', 'a.callId', 'a.arguments', 'a.digest'])
          .select((eb) => {
            const isOpen = eb('a.refusal', 'is', null);
            const told = eb.fn('jsonb_build_object', [literal('text'), eb.ref('a.refusal')]);
            return [
              eb.case().when(isOpen).then('asked').else('failed').end().as('state'),
              eb.case().when(isOpen).then(null).else(told).end().as('result'),
              eb.case().when(isOpen).then(null).else(eb.fn<Date>('clock_timestamp')).end().as('finishedAt'),
            ];
          }),
      )
      .onConflict((conflict) => conflict.doNothing());
}

function happened({ event }: Given) {
  const type = literal('model.answered' satisfies TraceEventType);
  return (q: QueryCreator<{ answered: Answered }>) =>
    q.selectFrom('answered as c').select(['c.traceId', 'c.path as nodeId', type.as('type'), event.as('data')]);
}

const ANSWER = traced(GIVEN, (given, trace) =>
  named
    .with('answered', answered(given))
    .with('asked', () => given.asked)
    .with('written', askedRows(given))
    .with('happened', happened(given))
    .with('numbered', numberOne(trace))
    .with('noted', noteOne(trace))
    .main.selectFrom('answered')
    .select('step'),
);

const FURTHER = new Statement(PAID, (given) =>
  paid(statements, given).where((eb) => eb.not(eb(given.claim, '=', eb.fn.any('paidClaims')))),
);

/**
 * Records the first answer of a model call, the calls of tools that it asks for, and its event: one statement.
 * @returns false where the call has its answer already: see {@link recordFurtherAnswer}
 */
export async function recordAnswer(em: SqlEntityManager, trace: TraceParts, answered: CallAnswered): Promise<boolean> {
  const { agent, fault, asked, event } = answered;
  const { text, calls, finish, provider, keySource } = answered.answer;
  const answer = { text, calls: calls.map((call) => ({ ...call })), finish };
  const rows = await ANSWER(trace).run(em, {
    ...{ ...paidFor(answered), agent, answer, fault, provider, keySource, asked, event },
  });
  return rows.length > 0;
}

/**
 * Adds what a further answer of a call cost, because it was paid for; the first one counts. Repeating it under the same claim
 * changes nothing. Two statements.
 * @returns `known` where this very claim gave the answer that counts, `late` where another did
 */
export async function recordFurtherAnswer(em: SqlEntityManager, answered: CallAnswered): Promise<'known' | 'late'> {
  const { tenantId, traceId, path, step, claim } = paidFor(answered);
  await FURTHER.change(em, paidFor(answered));
  const { paidClaims } = await em.findOneOrFail(ModelCall, { tenantId, traceId, path, step }, { refresh: true });
  return paidClaims[0] === claim ? 'known' : 'late';
}

function paidFor({ execution, path, step, claim, answer }: CallAnswered) {
  const { inputTokens, cachedTokens, outputTokens, reasoningTokens } = answer.usage;
  const { tenant: tenantId, traceId } = execution;
  const amounts = { inputTokens, cachedTokens, outputTokens, reasoningTokens, costMicros: answer.costMicros };
  return { tenantId, traceId, path, step, claim, ...amounts };
}
