import type { Handler, HandlerContext } from '../../domain/agents/handler.ts';
import { type Json, toJson } from '../../domain/json.ts';
import type { HandlerMessages, Receive } from '../../domain/messaging/received-message.ts';
import { readSafely } from '../../domain/thrown-text.ts';
import { type Repeating, Repetitions } from './repetitions.ts';

/** How one call of a handler ended. */
export interface NodeEnding {
  readonly agent: string;
  readonly outcome: 'ok' | 'failed';
  readonly durationMs: number;
}

export interface ProgressOptions {
  /** Told when an agent begins to repeat itself, once for each time. */
  readonly repeats: (repeating: Repeating) => void;
  readonly ended: (ending: NodeEnding) => void;
  /** Milliseconds that never go back. @defaultValue `performance.now` */
  readonly now?: () => number;
}

/**
 * What gets done in this process: which handlers run, when something last got on, and which agents only seem to. It
 * watches from outside, by wrapping the handlers that a worker hosts.
 */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #now: () => number;
  readonly #running = new Map<string, number>();
  readonly #repetitions: Repetitions;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#repetitions = new Repetitions({ begins: options.repeats, now: this.#now });
  }

  /** The same handlers, watched. */
  watch(handlers: ReadonlyMap<string, Handler>): ReadonlyMap<string, Handler> {
    return new Map([...handlers].map(([key, handler]) => [key, this.#watchOne(handler)]));
  }

  /** The names of the agents and tools that run now. */
  working(): ReadonlySet<string> {
    return new Set(this.#running.keys());
  }

  /** How many handlers run now. */
  get runningNodes(): number {
    return [...this.#running.values()].reduce((sum, count) => sum + count, 0);
  }

  /**
   * What an agent does with messages, watched. All that it gets from one sender, and says because of that, is one
   * conversation; what programs send that are no agents is not.
   */
  watchReceive(agent: string, receive: Receive): Receive {
    return async (message, context) => {
      const conversation = `${message.to} and ${message.from ?? message.id}`;
      const note = (action: unknown) => this.#repetitions.acted({ agent, conversation, action });
      const end = this.#begin(agent, conversation);
      if (message.delivery === 1) note({ received: message.payload });
      try {
        const answer = await receive(message, { ...context, messages: watchMessages(context.messages, note) });
        return answer === undefined ? null : answer;
      } finally {
        end();
      }
    };
  }

  /** Who repeats itself now. */
  repeating(): readonly Repeating[] {
    return this.#repetitions.current();
  }

  #watchOne(handler: Handler): Handler {
    return Object.freeze({
      ...handler,
      handle: (input: unknown, context: HandlerContext) => this.#run(handler, input, context),
    });
  }

  async #run(handler: Handler, input: unknown, context: HandlerContext): Promise<unknown> {
    const agent = handler.name;
    const conversation = conversationOf(context);
    const startedAt = this.#now();
    const note = (action: unknown) => this.#repetitions.acted({ agent, conversation, action });
    const end = this.#begin(agent, conversation);
    if (context.attempt === 1) note({ input });
    const ended = (outcome: NodeEnding['outcome']) => {
      end();
      this.#options.ended({ agent, outcome, durationMs: this.#now() - startedAt });
    };
    try {
      const output = await handler.handle(input, {
        ...context,
        effect: (step, effect) => {
          noteAsked(note, { effect: readSafely(effect, 'request') ?? null });
          return context.effect(step, effect);
        },
        messages: watchMessages(context.messages, note),
      });
      ended('ok');
      return output;
    } catch (error) {
      ended('failed');
      throw error;
    }
  }

  /** Notes that an agent begins to work, until what is returned is called. */
  #begin(agent: string, conversation: string): () => void {
    this.#running.set(agent, (this.#running.get(agent) ?? 0) + 1);
    const finish = this.#repetitions.called(agent, conversation);
    return () => {
      finish();
      const left = (this.#running.get(agent) ?? 1) - 1;
      if (left === 0) this.#running.delete(agent);
      else this.#running.set(agent, left);
    };
  }
}

/** A further attempt does again what the one before it did, as it should: it is a conversation of its own. */
function conversationOf({ traceId, attempt }: HandlerContext): string {
  return attempt === 1 ? traceId : `${traceId}, attempt ${attempt}`;
}

/**
 * Notes what a handler asks for as far as it is data, read as the border reads it. All else is for the border to refuse:
 * the watch says nothing of it and throws nothing.
 */
function noteAsked(note: (action: Json) => void, action: unknown): void {
  const json = toJson(action);
  if (json.ok) note(json.value);
}

function watchMessages(messages: HandlerMessages, note: (action: unknown) => void): HandlerMessages {
  return {
    send: (step, to, payload, options) => {
      noteAsked(note, { send: to, payload });
      return messages.send(step, to, payload, options);
    },
    request: (step, to, payload, options) => {
      noteAsked(note, { request: to, payload });
      return messages.request(step, to, payload, options);
    },
    broadcast: (step, payload, options) => {
      noteAsked(note, { broadcast: payload });
      return messages.broadcast(step, payload, options);
    },
  };
}
