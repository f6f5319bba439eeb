import type { Thinking } from '../../domain/agents/handler.ts';
import { parseWith } from '../../domain/agents/schema.ts';
import { errorMessage } from '../../domain/errors.ts';
import { readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import { type GraphDocument, readInput } from '../../domain/graphs/read-source.ts';
import { type Json, notJson, toJson } from '../../domain/json.ts';
import type { ModelRequest } from '../../domain/models/model-messages.ts';
import { isTemperature } from '../../domain/thinking/define-thinking.ts';
import { type NextMove, nextMove } from '../../domain/thinking/next-move.ts';
import { LAST_STEP, messagesOf, missingTools, SOFT_LIMIT, withNotice } from '../../domain/thinking/transcript.ts';
import { MAX_LOSSES } from '../../domain/traces/attempt.ts';
import { scopeOfPath } from '../../domain/traces/path.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import { type StepRows, ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import { digestOf } from '../../operations/digest-of.ts';
import type { StepPlace } from '../../operations/record/model-calls.ts';
import type { RunBeginning } from '../../operations/record/notes.ts';
import { type RecordingUnit, recording } from '../../operations/record/recording.ts';
import { HandlerInputInvalid } from '../handler-errors.ts';
import { faultsText } from '../nodes/handler-output.ts';
import { loadDocument, unreadable } from '../tasks/load-document.ts';
import type { NodeActivity } from '../tasks/node-attempt.ts';
import { subjectOf } from '../tasks/run-rows.ts';
import { reserveCall } from './reserve-call.ts';
import { endOfMove, NO_INPUT, partialOutput, type StepEnds } from './step-ends.ts';
import { modelOf, modelTools, ONE_ATTEMPT, stepsSoFar, type ThinkingAgent } from './thinking-agent.ts';

/** What a step turned out to be once its rows were read. A `call` is announced. */
export type StepBegun =
  | { readonly kind: 'tools'; readonly step: number; readonly asked: readonly { index: number; tool: string }[] }
  | {
      readonly kind: 'call';
      readonly place: StepPlace;
      readonly request: ModelRequest;
      readonly reservation: string | null;
      /** How often it was announced, this time included. */
      readonly times: number;
    }
  | StepEnds;

export interface BegunStep {
  readonly begun: RunBeginning;
  /** Null for a run that has not begun here. */
  readonly next: StepBegun | null;
}

/**
 * Begins a step in one transaction, whose lock on the run's row lets nobody else begin one meanwhile: reads what was asked
 * so far, and announces the model call that comes next.
 */
export function beginStep(
  activity: NodeActivity,
  agent: ThinkingAgent,
  { claim }: { readonly claim: string },
): Promise<BegunStep> {
  const { deps, input, definition, node } = activity;
  const { execution } = input;
  return recording({ units: deps.database, log: deps.log }, execution.tenant, async (unit) => {
    const begun = await unit.recorder.runBegan(execution, subjectOf(node), ONE_ATTEMPT);
    if (begun.kind !== 'begun') return { begun, next: null };
    const place = { execution, definition, scope: scopeOfPath(node.id) };
    const document = await loadDocument(unit.em, place, readersOf(node)).catch(unreadable);
    const { tenant, traceId } = execution;
    const rows = await new ThinkingRepository(unit.em).steps({ tenant, traceId, path: node.id });
    return { begun, next: await nextOf(unit, activity, { agent, document, rows, claim }) };
  });
}

interface ReadRun {
  readonly agent: ThinkingAgent;
  readonly document: GraphDocument | StoredRowInvalid;
  readonly rows: readonly StepRows[];
  readonly claim: string;
}

async function nextOf(unit: RecordingUnit, activity: NodeActivity, run: ReadRun): Promise<StepBegun> {
  const { agent, rows, claim } = run;
  const { execution } = activity.input;
  const move = nextMove(stepsSoFar(rows), agent.thinking.limits.steps);
  if (move.kind === 'tools') {
    const tools = rows.at(-1)?.tools ?? [];
    return { kind: 'tools', step: move.step, asked: tools.filter(({ index }) => move.indexes.includes(index)) };
  }
  if (move.kind !== 'call') return endOfMove(move, rows);
  const place = { execution, path: activity.node.id, step: move.step };
  const doubt = doubtOf(run, place);
  if (doubt !== null) return doubt;
  const request = await requestOf(activity, run, move);
  if ('kind' in request) return request;
  const requestHash = digestOf(request as unknown as Json);
  const { name } = agent;
  const announced = { agent: name, model: request.model, requestHash, claim, process: activity.deps.process };
  const times = await unit.recorder.modelCallAnnounced({ ...place, ...announced });
  const key = `${execution.traceId}/${place.path}/${place.step}/${times}`;
  // Last of all: a budget's row is one that many wait for.
  const reserved = await reserveCall(unit, activity.deps, { place, key, request });
  if ('failure' in reserved) return { kind: 'ends', failure: reserved.failure, ...partialOutput(rows) };
  const { reservation, isSoft } = reserved;
  const asked = isSoft ? withNotice(request, SOFT_LIMIT) : request;
  return { kind: 'call', place, reservation, times: times ?? 1, request: asked };
}

/**
 * A call that is found without an answer was made by somebody who died. The agent's policy decides, and a call that has
 * cost several processes their lives is given up.
 */
function doubtOf({ agent, rows, claim }: ReadRun, place: StepPlace): StepEnds | null {
  const call = rows.at(-1)?.call;
  if (call === undefined || call.state !== 'pending' || call.claim === claim) return null;
  const lost = call.attempts - call.failures;
  const stops = agent.thinking.whenInDoubt === 'stop';
  if (!stops && lost < MAX_LOSSES) return null;
  const code = stops ? 'model_call_in_doubt' : 'handler_crashed';
  const why = stops
    ? `It is unknown whether step ${place.step} was answered and paid for: its process died. Redrive the task to ask again.`
    : `Step ${place.step} was lost ${lost} times with its process.`;
  return {
    kind: 'ends',
    failure: { code, message: why },
    also: ({ recorder }) => recorder.modelCallDoubted(place),
  };
}

type CallMove = Extract<NextMove, { readonly kind: 'call' }>;

/** The request of a step; the same rows make the same. */
async function requestOf(
  { node, deps }: NodeActivity,
  { agent, document, rows }: ReadRun,
  { step, isLast }: CallMove,
): Promise<ModelRequest | StepEnds> {
  const { handler, thinking, name, unavailable } = agent;
  const unusable = (fault: string): StepEnds => {
    const { code, message } = new HandlerInputInvalid(node.id, name, fault);
    return { kind: 'ends', failure: { code, message } };
  };
  if (document instanceof StoredRowInvalid) return { kind: 'ends', failure: document };
  const read = readInput('input' in node ? node.input : NO_INPUT, document);
  if (!read.ok) return unusable(`${read.pointer} has no value.`);
  const parsed = await parseWith(handler.input, read.value);
  if (!parsed.ok) return unusable(faultsText(parsed.issues));
  const input = toJson(parsed.value ?? null);
  if (!input.ok) return unusable(notJson(input));
  const told = instructionsFor(thinking.instructions, parsed.value);
  if (typeof told !== 'string') return unusable(`its instructions could not be made: ${told.fault}`);
  const said = rows.filter(({ call }) => call.step < step).map(saidBy);
  const notice = isLast && step > 1 ? LAST_STEP : null;
  const request = {
    // A run keeps the model that it began with.
    model: rows[0]?.call.model ?? modelOf(thinking, deps.models),
    messages: messagesOf({ instructions: told, input: input.value, said, notice }),
    tools: modelTools(agent),
    output: thinking.outputSchema,
    ...temperatureFor(thinking.temperature, parsed.value),
  };
  return unavailable.length === 0 ? request : withNotice(request, missingTools(unavailable));
}

function instructionsFor(given: string | ((input: never) => string), input: unknown): string | { fault: string } {
  if (typeof given === 'string') return given;
  try {
    const text: unknown = given(input as never);
    return typeof text === 'string' ? text : { fault: 'the function gave no text.' };
  } catch (error) {
    return { fault: errorMessage(error) };
  }
}

/** Nothing where the agent has none, or its function gives none. */
function temperatureFor(given: Thinking['temperature'], input: unknown): Pick<ModelRequest, 'temperature'> {
  if (typeof given !== 'function') return given === undefined ? {} : { temperature: given };
  try {
    const temperature: unknown = given(input as never);
    return isTemperature(temperature) ? { temperature } : {};
  } catch {
    return {};
  }
}

function saidBy({ call, tools }: StepRows) {
  const { text = '', calls = [] } = call.answer ?? {};
  const results = tools.map(({ callId, tool, result }) => ({ callId, tool, text: result?.text ?? '' }));
  return { text, calls, results, fault: call.fault ?? null };
}
