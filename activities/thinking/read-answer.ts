import { parseWith } from '../../domain/agents/schema.ts';
import { type Json, notJson, storableText, textFault, toJson } from '../../domain/json.ts';
import type { AskedCall, ModelAnswer } from '../../domain/models/model-messages.ts';
import type { StoredAnswer } from '../../entities/thinking/model-call.ts';
import { digestOf } from '../../operations/digest-of.ts';
import type { StepPlace } from '../../operations/record/model-calls.ts';
import type { NewTraceEvent } from '../../operations/record/notes.ts';
import type { AskedTool } from '../../operations/record/tool-calls.ts';
import { faultsText } from '../nodes/handler-output.ts';
import { type ThinkingAgent, toolNamed } from './thinking-agent.ts';

/** What of an answer can be stored. */
interface Kept {
  readonly text: string;
  readonly calls: readonly AskedCall[];
}

/** What an answer means: an output, calls of tools, or a fault that the model is to repair. */
export type ReadAnswer = { readonly kept: Kept } & (
  | { readonly output: Json }
  | { readonly asked: readonly AskedTool[] }
  | { readonly fault: string }
);

/** Calls that are answered at all; an answer with more is not one of a working model, and the rest is dropped. */
const MOST_CALLS = 32;

/** Reads an answer, which is foreign data: nothing of it is trusted to be of any form. */
export async function readAnswer(agent: ThinkingAgent, answer: StoredAnswer, step: number): Promise<ReadAnswer> {
  const calls = answer.calls.slice(0, MOST_CALLS).map(storableCall);
  const kept = { text: storableText(answer.text), calls };
  if (calls.length > 0) return { kept, asked: calls.map((call, index) => askedTool(agent, call, { step, index })) };
  if (answer.finish === 'length') return { kept, fault: 'it was cut off at the limit of its length.' };
  const fault = textFault(answer.text);
  if (fault !== null) return { kept, fault: `it holds ${fault}.` };
  return { kept, ...(await outputOf(agent, answer.text)) };
}

async function outputOf(
  { handler, thinking }: ThinkingAgent,
  text: string,
): Promise<{ output: Json } | { fault: string }> {
  const value = thinking.outputSchema === null ? text : jsonIn(text);
  if (value === undefined) return { fault: 'it is not JSON.' };
  const parsed = await parseWith(handler.output, value);
  if (!parsed.ok) return { fault: faultsText(parsed.issues) };
  const json = toJson(parsed.value ?? null);
  return json.ok ? { output: json.value } : { fault: notJson(json) };
}

/** Models like to put JSON between fences. */
const FENCED = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/;

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(FENCED.exec(text)?.[1] ?? text);
  } catch {
    return undefined;
  }
}

function storableCall({ id, tool, arguments: given, fault }: AskedCall): AskedCall {
  const json = toJson(given ?? null);
  const why = fault ?? (json.ok ? undefined : `its arguments cannot be used: ${notJson(json)}`);
  return {
    id: storableText(id),
    tool: storableText(tool),
    arguments: json.ok ? json.value : null,
    ...(why === undefined ? {} : { fault: why }),
  };
}

/** A call that cannot be carried out is answered with a sentence at once. */
function askedTool(agent: ThinkingAgent, call: AskedCall, at: { step: number; index: number }): AskedTool {
  const { id: callId, tool, arguments: given, fault } = call;
  const { index } = at;
  const refusal = fault === undefined ? refusalOf(agent, tool, at) : `The call was not made: ${fault}`;
  return { index, tool, callId, arguments: given, digest: digestOf([tool, given]), refusal };
}

function refusalOf(
  agent: ThinkingAgent,
  tool: string,
  { step, index }: { step: number; index: number },
): string | null {
  const { callsPerStep, steps } = agent.thinking.limits;
  if (step >= steps) return 'Not called: that was the last step, and nobody reads a result any more.';
  if (toolNamed(agent, tool) === undefined) {
    const names = agent.tools.map(({ name }) => name).join(', ');
    return `There is no tool of this name. ${names === '' ? 'You have no tools.' : `You have: ${names}.`}`;
  }
  return index < callsPerStep
    ? null
    : `Not called: only ${callsPerStep} calls are made at once. Ask again if you need it.`;
}

/** What the trace says of an answer, and of the attempt that gave it. */
export function answerEvent({ path, step }: StepPlace, answer: ModelAnswer, attempt: number): NewTraceEvent {
  const { provider, model, usage, costMicros, calls, finish } = answer;
  const { inputTokens, outputTokens } = usage;
  const data = { step, attempt, provider, model, finish, inputTokens, outputTokens, costMicros, calls: calls.length };
  return { type: 'model.answered', nodeId: path, data };
}
