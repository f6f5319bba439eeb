import type { BudgetAsk } from '../../domain/budgets/amounts.ts';
import { budgetScopesOf } from '../../domain/budgets/scopes.ts';
import { readersOf, rulesOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import type { Json } from '../../domain/json.ts';
import type { FindKey, ModelRequest } from '../../domain/models/model-messages.ts';
import { callKey } from '../../domain/thinking/call-key.ts';
import { nextMove } from '../../domain/thinking/next-move.ts';
import { SOFT_LIMIT, withNotice } from '../../domain/thinking/transcript.ts';
import { MAX_LOSSES } from '../../domain/traces/attempt.ts';
import { scopeOfPath } from '../../domain/traces/path.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { StoredAnswer } from '../../entities/thinking/model-call.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import { digestOf } from '../../operations/digest-of.ts';
import type { AnnouncedCall } from '../../operations/record/announce-call.ts';
import type { ClaimedStep } from '../../operations/record/model-calls.ts';
import type { RunBeginning } from '../../operations/record/notes.ts';
import { recording } from '../../operations/record/recording.ts';
import { AttemptOvertaken } from '../handler-errors.ts';
import { loadDocument, readsNothing, unreadable } from '../tasks/load-document.ts';
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
      readonly findKey: FindKey;
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
 * Begins a step: reads what was asked so far, makes the request that comes next, and announces it. Nothing is locked
 * meanwhile, because counting tokens takes time; a call that somebody else announces then is left to them. So the rows may be
 * read while the run begins: what has changed since is refused.
 */
export async function beginStep(
  activity: NodeActivity,
  agent: ThinkingAgent,
  { claim }: { readonly claim: string },
): Promise<BegunStep> {
  const { deps, input, node } = activity;
  const { execution } = input;
  const began = recording({ units: deps.database.single, log: deps.log }, execution.tenant, ({ recorder }) =>
    recorder.runBegan(execution, subjectOf(node), ONE_ATTEMPT),
  );
  const [begun, run] = await Promise.all([began, readRun(activity, agent)]);
  return { begun, next: begun.kind === 'begun' ? await nextOf(activity, run, claim) : null };
}

/** The input document of a step that is not asked. */
const UNREAD: GraphDocument = { task: null, nodes: {} };

/** One statement where nothing is asked next, or the agent's input reads nothing. */
function readRun({ deps, input, definition, node }: NodeActivity, agent: ThinkingAgent): Promise<ReadRun> {
  const { execution } = input;
  const { tenant, traceId } = execution;
  const readers = readersOf(node);
  const units = readers.every(readsNothing) ? deps.database.single : deps.database;
  return units.inTenant(tenant, async ({ em }) => {
    const place = { tenant, traceId, path: node.id };
    const { steps: rows, isLimited } = await new ThinkingRepository(em).steps(
      place,
      budgetScopesOf(execution, node.id),
    );
    const move = nextMove(stepsSoFar(rows), agent.thinking.limits.steps);
    const reading = { execution, definition, scope: scopeOfPath(node.id) };
    const document = move.kind === 'call' ? await loadDocument(em, reading, readers).catch(unreadable) : UNREAD;
    return { agent, rows, isLimited, move, document };
  });
}

async function nextOf(activity: NodeActivity, run: ReadRun, claim: string): Promise<StepBegun> {
  const { agent, move, rows } = run;
  if (move.kind === 'tools') {
    const tools = rows.at(-1)?.tools ?? [];
    return { kind: 'tools', step: move.step, asked: tools.filter(({ index }) => move.indexes.includes(index)) };
  }
  const answer = rows.at(-1)?.call.answer;
  if (move.kind === 'output' && answer) return { kind: 'answered', step: move.step, answer };
  if (move.kind === 'output') throw new Error('A step that is done has its answer.');
  if (move.kind === 'invalid' && agent.judge) return { kind: 'ends', failure: agent.judge.unread(move.fault) };
  if (move.kind !== 'call') return endOfMove(move, rows);
  const place = { execution: activity.input.execution, path: activity.node.id, step: move.step, claim };
  const doubt = doubtOf(run, place);
  if (doubt !== null) return doubt;
  const broken = rows.length === 0 ? brokenRule(activity, run) : null;
  if (broken !== null) return broken;
  const made = await requestOf(activity, run, move);
  return 'kind' in made ? made : announce(activity, run, { ...made, place });
}

/** What can be held to rules before a model is asked is. */
function brokenRule({ node }: NodeActivity, { document }: ReadRun): StepEnds | null {
  const { evaluate } = rulesOf(node.kind);
  if (evaluate === undefined || document instanceof StoredRowInvalid) return null;
  const held = evaluate(node, document);
  return held.ok ? null : { kind: 'ends', failure: { code: held.code, message: held.message } };
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
  const findKey = keysAhead(deps, place.execution, request.model);
  const reserved = isLimited ? await reserveCall(deps, { place, key, ask }) : UNLIMITED;
  if (reserved.kind === 'refused') return { kind: 'ends', failure: reserved.failure, ...partialOutput(rows) };
  if (reserved.kind === 'waits') return reserved;
  const { reservation, isSoft } = reserved;
  const times = await announced(deps, {
    ...{ ...place, context, agent: agent.name, model: request.model, process: deps.process, reservation },
    after: before?.claim ?? null,
    requestHash: digestOf(request as unknown as Json),
  });
  const asked = isSoft ? withNotice(request, SOFT_LIMIT) : request;
  return { kind: 'call', place, ask, reservation, times, request: asked, findKey };
}

/** @throws AttemptOvertaken where somebody else announced it meanwhile, whose reservation it is then */
async function announced({ database, log }: NodeActivity['deps'], call: AnnouncedCall): Promise<number> {
  const times = await recording({ units: database.single, log }, call.execution.tenant, ({ recorder }) =>
    recorder.modelCallAnnounced(call),
  );
  if (times === 'overtaken') throw new AttemptOvertaken(call.path, 1);
  if (times === 'unreserved')
    throw new Error('The budget reservation of the call ended before it began. It is made anew.');
  return times;
}

/** Looks for the key of the provider that is asked first while the call is reserved and announced. */
function keysAhead(
  { models, keysFor }: NodeActivity['deps'],
  { tenant, user }: NodeActivity['input']['execution'],
  model: string,
): FindKey {
  const findKey = keysFor(tenant, user);
  const first = models?.keyOf(model) ?? null;
  if (first === null) return findKey;
  const found = findKey(first);
  found.catch(() => undefined);
  return (provider) => (provider === first ? found : findKey(provider));
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
