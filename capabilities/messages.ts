import { answering } from '../domain/agents/thrown.ts';
import type { HandlerMessages } from '../domain/messaging/received-message.ts';
import { derivedId } from '../messaging/message-ids.ts';
import type { Sender, Speaker } from '../messaging/sender.ts';
import { broadcastOptions, recipient, requestOptions, sendOptions } from '../options/message-options.ts';

/** Whose messages they are, and what they belong to. */
export interface MessageScope {
  readonly sender: Sender;
  readonly speaker: Speaker;
  /** Identifies this work among all other work; the same when it is repeated. */
  readonly work: readonly string[];
  readonly signal: AbortSignal;
  /** Notes what is asked for, before anything is done. */
  readonly asked: (action: unknown) => void;
}

/** How a handler sends messages: the id of each follows from the handler's work and the step. */
export function handlerMessages({ sender, speaker, work, signal, ...scope }: MessageScope): HandlerMessages {
  const id = (step: string) => derivedId('step', ...work, step);
  const say = <Said>(action: unknown, speak: () => Promise<Said>): Promise<Said> => {
    scope.asked(action);
    return answering(speak);
  };
  return {
    send: (step, to, payload, options = {}) =>
      say({ send: to, payload }, () =>
        sender.send(speaker, { id: id(step), to: recipient(to), payload }, sendOptions(options)),
      ),
    request: (step, to, payload, options = {}) =>
      say({ request: to, payload }, () =>
        sender.request(speaker, { id: id(step), to: recipient(to), payload }, { ...requestOptions(options), signal }),
      ),
    broadcast: (step, payload, options = {}) =>
      say({ broadcast: payload }, () =>
        sender.broadcast(speaker, { id: id(step), payload }, broadcastOptions(options)),
      ),
  };
}
