import { Context } from '@temporalio/activity';
import { v4 as uuid } from 'uuid';
import type { BudgetAsk } from '../../domain/budgets/amounts.ts';
import { errorMessage, MusterError } from '../../domain/errors.ts';
import type { Json } from '../../domain/json.ts';
import { addCost, type ModelCost } from '../../domain/models/model-cost.ts';
import { lostWith, ModelCallFailed } from '../../domain/models/model-errors.ts';
import type { FindKey, ModelAnswer, ModelRequest } from '../../domain/models/model-messages.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import type { DueCall } from '../../domain/thinking/next-move.ts';
import { growingWaitMs } from '../../domain/waits.ts';
import type { CallAnswered } from '../../operations/record/answer-call.ts';
import type { ClaimedStep } from '../../operations/record/model-calls.ts';
import { type RecordingUnit, recording } from '../../operations/record/recording.ts';
import type { LiveText } from '../../redis/live-text.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { retryableFailure } from '../failure.ts';
import { AttemptOvertaken } from '../handler-errors.ts';
import { Beat } from '../tasks/beat.ts';
import { asNodeActivity, repeatEnd, requireBegun } from '../tasks/node-activity.ts';
import type { NodeAttempt, RunNodeInput, RunNodeResult } from '../tasks/node-attempt.ts';
import { failForGood, handOver, isStopped, patiently, settle } from '../tasks/settle-node.ts';
import { thinkingAgentOf } from './agent-of-node.ts';
import { beginStep, type StepBegun } from './begin-step.ts';
import { inPlace } from './in-place.ts';
import { answerEvent, type ReadAnswer, readAnswer } from './read-answer.ts';
import { dueGroups, type ThinkingAgent } from './thinking-agent.ts';

/**
 * What a model call leads to. `tools`: these groups of calls, one after the other. `again`: a further model call. `waits`: a
 * budget has no room for it, and the run waits for room. `ended`: the run has its end.
 */
export type ModelCallResult =
  | { readonly kind: 'tools'; readonly step: number; readonly groups: readonly (readonly DueCall[])[] }
  | { readonly kind: 'again' }
  | { readonly kind: 'waits' }
  | ({ readonly kind: 'ended' } & RunNodeResult);

/** A step that is to be made: announced, and by nobody else. */
interface Calling {
  readonly attempt: NodeAttempt;
  readonly agent: ThinkingAgent;
  readonly place: ClaimedStep;
  readonly request: ModelRequest;
  /** What it may cost at most. */
  readonly ask: BudgetAsk;
  /** The key of its budget reservation; null where nothing above has a budget. */
  readonly reservation: string | null;
  /** How often it was announced, this time included. */
  readonly times: number;
  readonly findKey: FindKey;
  /** Shows what is said to those who watch. */
  readonly live: LiveText;
}

/**
 * Makes the next step of a thinking run. What comes next is read from the rows, so it may be called at any time: an answer
 * that is stored is used and never paid for again.
 */
export function callModel(deps: ActivityDependencies, input: RunNodeInput): Promise<ModelCallResult> {
  return asNodeActivity(deps, input, async (activity) => {
    const agent = await thinkingAgentOf(activity);
    return inPlace(activity, agent.name, async () => {
      const { begun, next } = await beginStep(activity, agent, { claim: uuid() });
      if (begun.kind === 'settled') return { kind: 'ended', ...repeatEnd(activity, begun) };
      return follow({ ...activity, begun: requireBegun(activity, begun) }, agent, next);
    });
  });
}

async function follow(attempt: NodeAttempt, agent: ThinkingAgent, next: StepBegun | null): Promise<ModelCallResult> {
  switch (next?.kind) {
    case 'tools':
      return { kind: 'tools', step: next.step, groups: dueGroups(agent, next.asked) };
    case 'call':
      return make({ attempt, agent, ...next, live: attempt.deps.liveTexts.open({ ...next.place, times: next.times }) });
    case 'waits':
      return next;
    case 'answered':
      return endAnswered(attempt, agent, next);
    case 'ends':
      return failForGood(attempt, next.failure, next);
    default:
      throw new Error('A run that has begun has a next move.');
  }
}

/** Ends a run whose output is there already: its answer was stored, and its end was not. */
async function endAnswered(
  attempt: NodeAttempt,
  agent: ThinkingAgent,
  { step, answer }: Extract<StepBegun, { kind: 'answered' }>,
): Promise<ModelCallResult> {
  const read = await readAnswer(agent, answer, step);
  if ('output' in read) {
    return { kind: 'ended', ...(await settle(attempt, { kind: 'ok', output: read.output, outcome: null })) };
  }
  const stale = { code: 'output_invalid', message: 'Its stored answer does not fit any more.' };
  return failForGood(attempt, 'failure' in read ? read.failure : stale);
}

async function make(calling: Calling): Promise<ModelCallResult> {
  const { deps } = calling.attempt;
  await deps.reach('after_model_call_announced');
  const beat = new Beat();
  try {
    const answer = await ask(calling);
    await deps.reach('after_model_answer_before_record');
    const result = await record(calling, answer, await readAnswer(calling.agent, answer, calling.place.step));
    await deps.reach('after_model_record_before_report');
    return result;
  } finally {
    calling.live.end();
    beat.stop();
  }
}

async function ask(calling: Calling): Promise<ModelAnswer> {
  const { attempt, agent, request, findKey, live } = calling;
  const { models } = attempt.deps;
  const { tenant, user } = attempt.input.execution;
  const { callMs, idleMs } = agent.thinking.limits;
  const { cancellationSignal: signal } = Context.current();
  try {
    if (models === null) throw new ModelCallFailed('model_unknown', NO_MODELS, { model: request.model });
    return await models.call(request, {
      ...{ tenant, user, signal, callMs, idleMs, findKey },
      onText: (delta, start) => live.text(delta, start),
      onTool: (tool, start) => live.tool(tool, start),
    });
  } catch (error) {
    if (signal.aborted) {
      await leave(calling, lostWith(error));
      throw handOver();
    }
    if (!(error instanceof MusterError)) throw error;
    return unanswered(calling, error);
  }
}

const NO_MODELS =
  'This worker has no models. Start it with MUSTER_MODELS, the path of a file as docs/models.md shows it.';

const UNANSWERED_WAIT = { firstMs: 500, mostMs: 60_000 };

/**
 * Leaves a call that is stopped on purpose: its worker shuts down, or its task is cancelled. It may be paid for, so its
 * estimate is charged, and what ways before it have lost. What cannot be written is found by who comes next, as after a death.
 */
async function leave({ attempt, place, ask, reservation }: Calling, lost: ModelCost): Promise<void> {
  if (!isStopped()) return;
  const { deps, input } = attempt;
  const { tenant } = input.execution;
  try {
    if (reservation !== null) await deps.spender.settle(tenant, reservation, { ...ask, ...addCost(ask, lost) });
    await recording({ units: deps.database, log: deps.log }, tenant, ({ recorder }) => recorder.modelCallLeft(place));
  } catch (error) {
    deps.log.warn({ nodeId: place.path, error: errorMessage(error) }, LEFT_UNWRITTEN);
  }
}

const LEFT_UNWRITTEN = 'could not record the handover of a model call; the next worker counts it as lost';

/** The call has no answer: it is made again after a wait, or the run ends. What it may have cost is charged. */
async function unanswered({ attempt, agent, place, reservation }: Calling, error: MusterError): Promise<never> {
  const { deps, input } = attempt;
  const failure = { code: error.code, message: error.message };
  const lost = lostWith(error);
  const { tenant } = input.execution;
  if (reservation !== null && lost.tokens > 0)
    await patiently(() => deps.spender.settle(tenant, reservation, { ...lost, steps: 1 }));
  else if (reservation !== null) await patiently(() => deps.spender.release(tenant, reservation));
  const waitMs = await patiently(() =>
    recording({ units: deps.database, log: deps.log }, tenant, async ({ recorder }) => {
      const failures = await recorder.modelCallFailed(place, failure);
      if (failures === null) throw new AttemptOvertaken(place.path, attempt.begun.number);
      const wait = waitAfter(error, failures, agent);
      if (wait !== null) await recorder.modelCallPostponed(place, wait);
      return wait;
    }),
  );
  if (waitMs === null) return failForGood(attempt, failure);
  throw retryableFailure(failure.code, failure.message, waitMs);
}

/** How long a call that has no answer waits before it is made again; null for one that is not. */
function waitAfter(error: MusterError, failures: number, { thinking }: ThinkingAgent): number | null {
  if (!error.retryable || failures >= thinking.limits.unanswered) return null;
  const askedMs = 'retryAfterMs' in error && typeof error.retryAfterMs === 'number' ? error.retryAfterMs : 0;
  return Math.max(askedMs, growingWaitMs(UNANSWERED_WAIT, failures)) * (1 + Math.random() / 5);
}

/** Writes the answer with what follows from it. That it is paid for is written whatever becomes of it. */
async function record(calling: Calling, answer: ModelAnswer, read: ReadAnswer): Promise<ModelCallResult> {
  const { attempt, agent, place, reservation } = calling;
  const { spender } = attempt.deps;
  const { tenant } = attempt.input.execution;
  const pay = async () => {
    if (reservation !== null) await patiently(() => spender.settle(tenant, reservation, usedBy(answer)));
  };
  const asked = 'asked' in read ? read.asked : [];
  const answered: CallAnswered = {
    ...{ ...place, answer, agent: agent.name, asked, fault: 'fault' in read ? read.fault : null },
    event: answerEvent(calling, answer),
  };
  if ('output' in read || 'failure' in read) {
    await pay();
    return end(calling, read, answered);
  }
  const [paid, written] = await Promise.allSettled([pay(), writeAnswer(attempt, answered)]);
  for (const done of [paid, written]) if (done.status === 'rejected') throw done.reason;
  const open = asked.filter(({ refusal }) => refusal === null);
  if (open.length === 0) return { kind: 'again' };
  return { kind: 'tools', step: place.step, groups: dueGroups(agent, open) };
}

/** One statement for an answer that counts. */
async function writeAnswer({ deps, input }: NodeAttempt, answered: CallAnswered): Promise<void> {
  const { tenant } = input.execution;
  const { database, log } = deps;
  const isFirst = await patiently(() =>
    recording({ units: database.single, log }, tenant, ({ recorder }) => recorder.modelAnswered(answered)),
  );
  if (isFirst) return;
  await patiently(() =>
    recording({ units: database, log }, tenant, ({ recorder }) => recorder.modelAnsweredAgain(answered)),
  );
}

/** Ends the run with its output, or as it was judged. The answer is paid for, and stays where the end is refused. */
async function end(
  { attempt, place }: Calling,
  read: { readonly output: Json } | { readonly failure: Failure },
  answered: CallAnswered,
): Promise<ModelCallResult> {
  const also = async ({ recorder }: RecordingUnit) => {
    if (await recorder.modelAnswered(answered)) return;
    // Another attempt was answered first: what follows from that answer is done, and this one is only paid for.
    if ((await recorder.modelAnsweredAgain(answered)) === 'late')
      throw new AttemptOvertaken(place.path, attempt.begun.number);
  };
  if ('failure' in read) return failForGood(attempt, read.failure, { also });
  try {
    return { kind: 'ended', ...(await settle(attempt, { kind: 'ok', output: read.output, outcome: null }, also)) };
  } catch (error) {
    await writeAnswer(attempt, answered);
    throw error;
  }
}

function usedBy({ usage, costMicros, lost }: ModelAnswer): BudgetAsk {
  return {
    tokens: usage.inputTokens + usage.outputTokens + lost.tokens,
    costMicros: costMicros + lost.costMicros,
    steps: 1,
  };
}
