import {
  CONTEXT_CAPS,
  type ContextPart,
  type ContextReport,
  fitContext,
  INPUT_TOKENS,
  LEAST_LIMIT,
  type ModelRoom,
} from '../models/context-budget.ts';
import type { AskedCall, ModelMessage, ModelRequest } from '../models/model-messages.ts';
import { type CountTokens, estimateTokens, messageTokens, requestTokens } from '../models/token-count.ts';
import { trimText } from '../trim-text.ts';
import type { ThinkingLimits } from './thinking-limits.ts';
import { type Conversation, messagesOf, messagesOfStep, type StepSaid, told } from './transcript.ts';

export interface FittedConversation {
  readonly messages: readonly ModelMessage[];
  readonly report: ContextReport;
}

/**
 * The messages of a step as far as a model takes them. Of the steps before, the newest are kept whole; instructions and
 * input have as large a part of the agent's limit as they have of the default one. The same rows make the same messages.
 * @param forms what the request has besides its messages
 */
export function fitConversation(
  conversation: Conversation,
  { limits, room, forms }: { limits: ThinkingLimits; room: ModelRoom; forms: Pick<ModelRequest, 'tools' | 'output'> },
): FittedConversation {
  const { instructions, input, said, notices } = conversation;
  const { count } = room;
  const { inputTokens, transcriptTokens } = limits;
  const besides = requestTokens({ model: '', messages: notices.map(told), ...forms }, count);
  const scaled = (tokens: number) => Math.ceil((tokens * inputTokens) / INPUT_TOKENS);
  const { blocks, report } = fitContext<StepPart>(
    [
      { name: 'system', text: instructions },
      { name: 'user', text: typeof input === 'string' ? input : JSON.stringify(input) },
      { name: 'transcript', ...transcriptOf(said, transcriptTokens, count) },
    ],
    {
      limit: Math.max(LEAST_LIMIT, Math.min(inputTokens, room.inputTokens) - besides),
      count,
      caps: { transcript: transcriptTokens, system: scaled(CONTEXT_CAPS.system), user: scaled(CONTEXT_CAPS.user) },
    },
  );
  const textOf = (...names: readonly string[]) =>
    blocks.flatMap((block) => (names.includes(block.name) && 'text' in block ? [block.text] : [])).join('\n\n');
  const kept = blocks.flatMap((block) => ('parts' in block ? block.parts : []));
  const messages = messagesOf({
    instructions: textOf('system', 'notice'),
    input: textOf('user'),
    said: kept.map((part) => part.said),
    notices,
  });
  return { messages, report };
}

/** One step with the results of its tools. */
interface StepPart extends ContextPart {
  readonly said: StepSaid;
}

/** The steps as parts, the newest counted and those estimated that are too old in any case. */
function transcriptOf(said: readonly StepSaid[], most: number, count: CountTokens) {
  let counted = 0;
  const newestFirst = said.toReversed().map((step) => {
    const part = partOf(step, counted > most ? estimateTokens : count);
    counted += part.tokens;
    return part;
  });
  return { parts: newestFirst.reverse(), shorten: (part: StepPart, room: number) => shortened(part, room, count) };
}

function partOf(said: StepSaid, count: CountTokens): StepPart {
  return { said, tokens: messageTokens(messagesOfStep(said), count) };
}

/** Texts are not cut shorter than this. Characters. */
const LEAST_CHARACTERS = 50;
/** A token has rarely more. */
const CHARACTERS_A_TOKEN = 4;

/** A step whose texts are all cut to one length, the longest with which they fit and that halving finds. */
function shortened({ said }: StepPart, most: number, count: CountTokens): StepPart | null {
  for (let each = most * CHARACTERS_A_TOKEN; each >= LEAST_CHARACTERS; each = Math.floor(each / 2)) {
    const part = partOf(cutTo(said, each), count);
    if (part.tokens <= most) return part;
  }
  return null;
}

function cutTo({ text, calls, results, fault }: StepSaid, most: number): StepSaid {
  return {
    text: trimText(text, most),
    calls: calls.map((call) => cutCall(call, most)),
    results: results.map((result) => ({ ...result, text: trimText(result.text, most) })),
    fault,
  };
}

function cutCall(call: AskedCall, most: number): AskedCall {
  const text = JSON.stringify(call.arguments);
  return text.length <= most ? call : { ...call, arguments: { shortened: trimText(text, most) } };
}
