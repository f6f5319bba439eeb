import type { Thinking } from '../../domain/agents/handler.ts';
import { parseWith } from '../../domain/agents/schema.ts';
import { errorMessage } from '../../domain/errors.ts';
import { type GraphDocument, readInput } from '../../domain/graphs/read-source.ts';
import { notJson, toJson } from '../../domain/json.ts';
import type { ContextReport } from '../../domain/models/context-budget.ts';
import { type ModelCost, NO_COST } from '../../domain/models/model-cost.ts';
import { ModelCallFailed } from '../../domain/models/model-errors.ts';
import type { ModelRequest } from '../../domain/models/model-messages.ts';
import { isTemperature } from '../../domain/thinking/define-thinking.ts';
import { fitConversation } from '../../domain/thinking/fit-conversation.ts';
import type { NextMove } from '../../domain/thinking/next-move.ts';
import { type Conversation, LAST_STEP, messagesOf, missingTools } from '../../domain/thinking/transcript.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { StepRows } from '../../entities/thinking/statements/read-steps.ts';
import { HandlerInputInvalid } from '../handler-errors.ts';
import { faultsText } from '../nodes/handler-output.ts';
import type { NodeActivity } from '../tasks/node-attempt.ts';
import { NO_INPUT, type StepEnds } from './step-ends.ts';
import { modelOf, modelTools, type ThinkingAgent } from './thinking-agent.ts';

/** A thinking run as its rows know it. */
export interface ReadRun {
  readonly agent: ThinkingAgent;
  /** What comes next by its rows. */
  readonly move: NextMove;
  /** What its input is read from; nothing where no call comes next. */
  readonly document: GraphDocument | StoredRowInvalid;
  readonly rows: readonly StepRows[];
  /** Whether a budget may be above its calls. */
  readonly isLimited: boolean;
}

/** The request of a step. */
export interface StepRequest {
  readonly request: ModelRequest;
  /** What of the conversation it holds; null in a worker without models, which calls none. */
  readonly context: ContextReport | null;
  /** What it may cost at most. */
  readonly cost: ModelCost;
}

type CallMove = Extract<NextMove, { readonly kind: 'call' }>;

/** The request of a step; the same rows make the same. */
export async function requestOf(activity: NodeActivity, run: ReadRun, move: CallMove): Promise<StepRequest | StepEnds> {
  const conversation = await conversationOf(activity, run, move);
  if ('kind' in conversation) return conversation;
  try {
    return fitted(activity, run, conversation);
  } catch (error) {
    if (error instanceof ModelCallFailed)
      return { kind: 'ends', failure: { code: error.code, message: error.message } };
    throw error;
  }
}

/** @throws ModelCallFailed `model_unknown` */
function fitted({ deps, input }: NodeActivity, { agent, rows }: ReadRun, asked: AskedConversation): StepRequest {
  const { temperature, ...conversation } = asked;
  const { thinking } = agent;
  const { models } = deps;
  const { model: chosen, provider } = input.execution.models ?? {};
  const { outputSchema: output, limits, maxTokens } = thinking;
  // A run keeps the model that it began with.
  const model = chosen ?? rows[0]?.call.model ?? modelOf(thinking, models);
  const forms = {
    ...{ tools: modelTools(agent), output },
    ...(provider === undefined ? {} : { provider }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
  };
  if (models === null) {
    return { request: { model, messages: messagesOf(conversation), ...forms }, context: null, cost: NO_COST };
  }
  const { messages, report } = fitConversation(conversation, { limits, room: models.room(model, provider), forms });
  const request = { model, messages, ...forms };
  return { request, context: report, cost: models.estimate(request) };
}

/** What a model is asked, before it is fitted into what the model takes. */
type AskedConversation = Conversation & Pick<ModelRequest, 'temperature'>;

async function conversationOf(
  { node }: NodeActivity,
  { agent, document, rows }: ReadRun,
  { step, isLast }: CallMove,
): Promise<AskedConversation | StepEnds> {
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
  const isTold = isLast && (step > 1 || agent.tools.length > 0);
  const notices = [isTold ? LAST_STEP : null, unavailable.length === 0 ? null : missingTools(unavailable)];
  const conversation = {
    instructions: told,
    input: input.value,
    said,
    notices: notices.filter((notice) => notice !== null),
  };
  return { ...conversation, ...temperatureFor(thinking.temperature, parsed.value) };
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
