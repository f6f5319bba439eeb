import { answering } from '../domain/agents/thrown.ts';
import type { HandlerMessages } from '../domain/messaging/received-message.ts';
import { derivedId } from './message-ids.ts';
import type { Sender, Speaker } from './sender.ts';

/**
 * How a handler speaks to others: each message gets the id that always belongs to the handler's work and the step.
 * @param work what makes this work different from all other work, the same when it is repeated
 */
export function handlerMessages(
  sender: Sender,
  speaker: Speaker,
  { work, signal }: { readonly work: readonly string[]; readonly signal: AbortSignal },
): HandlerMessages {
  const id = (step: string) => derivedId('step', ...work, step);
  return {
    send: (step, to, payload, options) => answering(() => sender.send(speaker, { id: id(step), to, payload }, options)),
    request: (step, to, payload, options) =>
      answering(() => sender.request(speaker, { id: id(step), to, payload }, { ...options, signal })),
    broadcast: (step, payload, options) =>
      answering(() => sender.broadcast(speaker, { id: id(step), payload }, options)),
  };
}
