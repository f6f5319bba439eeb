import { answering } from '../domain/agents/thrown.ts';
import type { HandlerMessages } from '../domain/messaging/received-message.ts';
import { derivedId } from '../messaging/message-ids.ts';
import type { Sender, Speaker } from '../messaging/sender.ts';

/** Whose messages they are, and what they belong to. */
export interface MessageScope {
  readonly sender: Sender;
  readonly speaker: Speaker;
  /** What makes this work different from all other work, the same when it is repeated. */
  readonly work: readonly string[];
  readonly signal: AbortSignal;
  /** Hears what is asked for, before anything is done. */
  readonly asked: (action: unknown) => void;
  /** Rejects where this work may not speak any more. */
  readonly assertCurrent?: () => Promise<void>;
}

/** How a handler speaks to others: each message gets the id that always belongs to the handler's work and the step. */
export function handlerMessages({ sender, speaker, work, signal, ...scope }: MessageScope): HandlerMessages {
  const id = (step: string) => derivedId('step', ...work, step);
  const say = <Said>(action: unknown, speak: () => Promise<Said>): Promise<Said> => {
    scope.asked(action);
    return answering(async () => {
      await scope.assertCurrent?.();
      return speak();
    });
  };
  return {
    send: (step, to, payload, options) =>
      say({ send: to, payload }, () => sender.send(speaker, { id: id(step), to, payload }, options)),
    request: (step, to, payload, options) =>
      say({ request: to, payload }, () =>
        sender.request(speaker, { id: id(step), to, payload }, { ...options, signal }),
      ),
    broadcast: (step, payload, options) =>
      say({ broadcast: payload }, () => sender.broadcast(speaker, { id: id(step), payload }, options)),
  };
}
