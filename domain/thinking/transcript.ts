import type { Json } from '../json.ts';
import type { AskedCall, ModelMessage, ModelRequest } from '../models/model-messages.ts';

/** What a step left behind. */
export interface StepSaid {
  readonly text: string;
  readonly calls: readonly AskedCall[];
  /** The results, in the order of the calls. */
  readonly results: readonly { readonly callId: string; readonly tool: string; readonly text: string }[];
  readonly fault: string | null;
}

/** What the messages of a step are made of. */
export interface Conversation {
  readonly instructions: string;
  readonly input: Json;
  readonly said: readonly StepSaid[];
  /** What the model is told at the end. */
  readonly notices: readonly string[];
}

/** The messages of the next model call. The same rows make the same messages. */
export function messagesOf({ instructions, input, said, notices }: Conversation): readonly ModelMessage[] {
  return [
    { role: 'system', text: instructions },
    { role: 'user', text: typeof input === 'string' ? input : JSON.stringify(input) },
    ...said.flatMap(messagesOfStep),
    ...notices.map(told),
  ];
}

/** What a step adds to the messages of those after it. */
export function messagesOfStep({ text, calls, results, fault }: StepSaid): readonly ModelMessage[] {
  const answers = results.map((result) => ({ role: 'tool' as const, ...result }));
  const repair = fault === null ? [] : [{ role: 'user' as const, text: repairText(fault) }];
  return [{ role: 'assistant', text, calls }, ...answers, ...repair];
}

function repairText(fault: string): string {
  return `Your answer does not fit: ${fault} Answer again, complete, and with nothing but the answer.`;
}

export const LAST_STEP = 'This is your last step. You cannot call tools now. Answer.';

export const SOFT_LIMIT = 'Your budget is almost exhausted. Finish with your best answer.';

/** Of sources of tools. */
export function missingTools(sources: readonly string[]): string {
  return `The tools of ${sources.join(', ')} are unavailable at the moment. Do without them, or say that you cannot.`;
}

/** Something that the runtime tells a model. */
export function told(text: string): ModelMessage {
  return { role: 'user', text };
}

/** The same request with something told at its end. */
export function withNotice(request: ModelRequest, text: string): ModelRequest {
  return { ...request, messages: [...request.messages, told(text)] };
}
