import type { BudgetAsk } from '../../domain/budgets/amounts.ts';
import { budgetScopesOf } from '../../domain/budgets/scopes.ts';
import { readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { Json } from '../../domain/json.ts';
import type { ModelRequest } from '../../domain/models/model-messages.ts';
import { callKey } from '../../domain/thinking/call-key.ts';
import { nextMove } from '../../domain/thinking/next-move.ts';
import { SOFT_LIMIT, withNotice } from '../../domain/thinking/transcript.ts';
import { MAX_LOSSES } from '../../domain/traces/attempt.ts';
import { scopeOfPath } from '../../domain/traces/path.ts';
import { BudgetRepository } from '../../entities/budgets/budget-repository.ts';
import type { StoredAnswer } from '../../entities/thinking/model-call.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import { digestOf } from '../../operations/digest-of.ts';
import type { AnnouncedCall, ClaimedStep } from '../../operations/record/model-calls.ts';
import type { RunBeginning } from '../../operations/record/notes.ts';
import { recording } from '../../operations/record/recording.ts';
import { AttemptOvertaken } from '../handler-errors.ts';
import { loadDocument, unreadable } from '../tasks/load-document.ts';
import type { NodeActivity } from '../tasks/node-attempt.ts';
import { subjectOf } from '../tasks/run-rows.ts';
import { type ReservedCall, reserveCall } from './reserve-call.ts';
import { endOfMove, partialOutput, type StepEnds } from './step-ends.ts';
import { type ReadRun, requestOf, type StepRequest } from './step-request.ts';
import { ONE_ATTEMPT, stepsSoFar, type ThinkingAgent } from './thinking-agent.ts';

/** What a step turned out to be once its rows were read. A `call` is announced; what `waits` does so for a budget. */
export type StepBegun =
  | { readonly kind: 'tools'; readonly step: number; readonly asked: readonly { index: number; tool: string }[] }
  | {
      readonly kind: 'call';
      readonly place: ClaimedStep;
      readonly request: ModelRequest;
      /** What it may cost at most. */
      readonly ask: BudgetAsk;
      /** The key of its budget reservation; null where nothing above has a budget. */
      readonly reservation: string | null;
      /** How often it was announced, this time included. */
      readonly times: number;
    }
  | { readonly kind: 'waits' }
  | { readonly kind: 'answered'; readonly step: number; readonly answer: StoredAnswer }
  | StepEnds;

export interface BegunStep {
  readonly begun: RunBeginning;
  /** Null for a run that has not begun here. */
  readonly next: StepBegun | null;
}

/**
 * Begins a step: reads what was asked so far, makes the request that comes next, and announces it. Between the two
 * transactions nothing is locked, because counting tokens takes time; a call that somebody else announces meanwhile is left to
 * them.
 */
export async function beginStep(
  activity: NodeActivity,
  agent: ThinkingAgent,
  { claim }: { readonly claim: string },
): Promise<BegunStep> {
  const { deps, input, definition, node } = activity;
  const { execution } = input;
  const { tenant, traceId } = execution;
  const read = await recording({ units: deps.database, log: deps.log }, tenant, async ({ em, recorder }) => {
    const begun = await recorder.runBegan(execution, subjectOf(node), ONE_ATTEMPT);
    if (begun.kind !== 'begun') return { begun, run: null };
    const place = { execution, definition, scope: scopeOfPath(node.id) };
    const document = await loadDocument(em, place, readersOf(node)).catch(unreadable);
    const rows = await new ThinkingRepository(em).steps({ tenant, traceId, path: node.id });
    const isLimited = await new BudgetRepository(em).isLimited(budgetScopesOf(execution, node.id));
    return { begun, run: { agent, document, rows, isLimited } };
  });
  return { begun: read.begun, next: read.run === null ? null : await nextOf(activity, read.run, claim) };
}

async function nextOf(activity: NodeActivity, run: ReadRun, claim: string): Promise<StepBegun> {
  const { agent, rows } = run;
  const move = nextMove(stepsSoFar(rows), agent.thinking.limits.steps);
  if (move.kind === 'tools') {
    const tools = rows.at(-1)?.tools ?? [];
    return { kind: 'tools', step: move.step, asked: tools.filter(({ index }) => move.indexes.includes(index)) };
  }
  const answer = rows.at(-1)?.call.answer;
  if (move.kind === 'output' && answer) return { kind: 'answered', step: move.step, answer };
  if (move.kind === 'output') throw new Error('A step that is done has its answer.');
  if (move.kind !== 'call') return endOfMove(move, rows);
  const place = { execution: activity.input.execution, path: activity.node.id, step: move.step, claim };
  const doubt = doubtOf(run, place);
  if (doubt !== null) return doubt;
  const made = await requestOf(activity, run, move);
  return 'kind' in made ? made : announce(activity, run, { ...made, place });
}

/** Above a call that no budget is above, nothing is reserved. */
const UNLIMITED: ReservedCall = { kind: 'reserved', reservation: null, isSoft: false };

/** Reserves what the call may cost, and announces it: in this order, since what is announced may have been made. */
async function announce(
  { deps }: NodeActivity,
  { agent, rows, isLimited }: ReadRun,
  { place, request, context, cost }: StepRequest & { readonly place: ClaimedStep },
): Promise<StepBegun> {
  const last = rows.at(-1)?.call;
  const before = last?.step === place.step ? last : null;
  const ask = { ...cost, steps: 1 };
  const key = callKey(place, (before?.attempts ?? 0) + 1);
  const reserved = isLimited ? await reserveCall(deps, { place, key, ask }) : UNLIMITED;
  if (reserved.kind === 'refused') return { kind: 'ends', failure: reserved.failure, ...partialOutput(rows) };
  if (reserved.kind === 'waits') return reserved;
  const { reservation, isSoft } = reserved;
  const times = await announced(deps, reservation, {
    ...{ ...place, context, agent: agent.name, model: request.model, process: deps.process },
    after: before?.claim ?? null,
    requestHash: digestOf(request as unknown as Json),
  });
  const asked = isSoft ? withNotice(request, SOFT_LIMIT) : request;
  return { kind: 'call', place, ask, reservation, times, request: asked };
}

/** @throws AttemptOvertaken where somebody else announced it meanwhile, whose reservation it is then */
async function announced(
  { database: units, log, process, spender }: NodeActivity['deps'],
  reservation: string | null,
  call: AnnouncedCall,
): Promise<number> {
  return recording({ units, log }, call.execution.tenant, async (unit) => {
    const times = await unit.recorder.modelCallAnnounced(call);
    if (times === null) throw new AttemptOvertaken(call.path, 1);
    if (reservation === null || (await spender.begin(unit, { key: reservation, process }))) return times;
    throw new Error('The budget reservation of the call ended before it began. It is made anew.');
  });
}

/**
 * A call that is found without an answer was made by somebody who died, or stopped. The agent's policy decides, and a call
 * that has cost several processes their lives is given up.
 */
function doubtOf({ agent, rows }: ReadRun, place: ClaimedStep): StepEnds | null {
  const call = rows.at(-1)?.call;
  if (call === undefined || (call.state !== 'pending' && call.state !== 'left') || call.claim === place.claim)
    return null;
  const lost = call.attempts - call.failures - call.handovers;
  const stops = agent.thinking.whenInDoubt === 'stop';
  if (!stops && lost < MAX_LOSSES) return null;
  const code = stops ? 'model_call_in_doubt' : 'handler_crashed';
  const why = stops
    ? `It is unknown whether step ${place.step} was answered and paid for: its worker died or stopped. Redrive the task to ask again.`
    : `Step ${place.step} was lost ${lost} times with its process.`;
  return {
    kind: 'ends',
    failure: { code, message: why },
    also: async ({ recorder }) => {
      if (!(await recorder.modelCallDoubted({ ...place, claim: call.claim })))
        throw new AttemptOvertaken(place.path, 1);
    },
  };
}
