import { parseWith } from '../../domain/agents/schema.ts';
import { type Json, notJson, toJson } from '../../domain/json.ts';
import type { AskedCall, ModelAnswer } from '../../domain/models/model-messages.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { jsonInAnswer } from '../../domain/thinking/answer-json.ts';
import { attemptNumber } from '../../domain/thinking/text-position.ts';
import type { StoredAnswer } from '../../entities/thinking/model-call.ts';
import { digestOf } from '../../operations/digest-of.ts';
import type { AskedTool } from '../../operations/record/answer-call.ts';
import type { StepPlace } from '../../operations/record/model-calls.ts';
import { faultsText } from '../nodes/handler-output.ts';
import { type ThinkingAgent, toolNamed } from './thinking-agent.ts';

/** What an answer means: an output, a judgement that fails the run, calls of tools, or a fault that the model is to repair. */
export type ReadAnswer =
  | { readonly output: Json }
  | { readonly failure: Failure }
  | { readonly asked: readonly AskedTool[] }
  | { readonly fault: string };

/** Reads what an answer means. That it can be stored, and how many calls it has at most, `readCalls` has seen to. */
export async function readAnswer(agent: ThinkingAgent, answer: StoredAnswer, step: number): Promise<ReadAnswer> {
  const { calls, finish, text } = answer;
  if (calls.length > 0) return { asked: calls.map((call, index) => askedTool(agent, call, { step, index })) };
  return finish === 'length' ? { fault: 'it was cut off at the limit of its length.' } : outputOf(agent, text);
}

async function outputOf({ handler, thinking, judge }: ThinkingAgent, text: string): Promise<ReadAnswer> {
  const value = thinking.outputSchema === null ? text : jsonInAnswer(text);
  if (value === undefined) return { fault: 'it is not JSON.' };
  const parsed = await parseWith(handler.output, value);
  if (!parsed.ok) return { fault: faultsText(parsed.issues) };
  const json = toJson(parsed.value ?? null);
  if (!json.ok) return { fault: notJson(json) };
  return judge === undefined ? { output: json.value } : judge.ruling(json.value);
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
  if (step >= steps) return 'Not called: this was your last step, so the result could not be used.';
  if (toolNamed(agent, tool) === undefined) {
    const names = agent.tools.map(({ name }) => name).join(', ');
    return `There is no tool of this name. ${names === '' ? 'You have no tools.' : `You have: ${names}.`}`;
  }
  return index < callsPerStep
    ? null
    : `Not called: only ${callsPerStep} calls are made at once. Ask again if you need it.`;
}

/** What the trace says of an answer, and of the attempt that gave it. */
export function answerEvent(
  { place: { step }, times }: { readonly place: StepPlace; readonly times: number },
  answer: ModelAnswer,
): Json {
  const { provider, model, start, usage, costMicros, calls, finish } = answer;
  const { inputTokens, outputTokens } = usage;
  const attempt = attemptNumber(times, start);
  return { step, attempt, provider, model, finish, inputTokens, outputTokens, costMicros, calls: calls.length };
}
