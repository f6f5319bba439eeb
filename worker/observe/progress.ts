import type { Invocation, InvocationWatch } from '../../capabilities/invocation.ts';
import { toJson } from '../../domain/json.ts';
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

/** The progress of this process: which handlers run, when one last made progress, and which agents only seem to. */
export class Progress implements InvocationWatch {
  readonly #options: ProgressOptions;
  readonly #now: () => number;
  readonly #running = new Map<string, number>();
  readonly #repetitions: Repetitions;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#repetitions = new Repetitions({ begins: options.repeats, now: this.#now });
  }

  /** Calls the code of a handler, and notes that it runs, what it was given first, and how it ended. */
  async call<Result>(invocation: Invocation, given: unknown, code: () => Promise<Result> | Result): Promise<Result> {
    const startedAt = this.#now();
    const end = this.#begin(invocation);
    if (isFirst(invocation)) this.#acted(invocation, given);
    const ended = (outcome: NodeEnding['outcome']) => {
      end();
      if (invocation.of !== 'node') return;
      this.#options.ended({ agent: invocation.handler, outcome, durationMs: this.#now() - startedAt });
    };
    try {
      const result = await code();
      ended('ok');
      return result;
    } catch (error) {
      ended('failed');
      throw error;
    }
  }

  /**
   * Notes a handler's request if it is data, read as the border reads it. The border refuses anything else; the watch
   * ignores it and never throws.
   */
  asked(invocation: Invocation, action: unknown): void {
    const json = toJson(action);
    if (json.ok) this.#acted(invocation, json.value);
  }

  /** The names of the agents and tools that run now. */
  working(): ReadonlySet<string> {
    return new Set(this.#running.keys());
  }

  /** How many handlers run now. */
  get runningNodes(): number {
    return [...this.#running.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The agents that repeat themselves now. */
  repeating(): readonly Repeating[] {
    return this.#repetitions.current();
  }

  #acted(invocation: Invocation, action: unknown): void {
    this.#repetitions.acted({ agent: invocation.handler, conversation: conversationOf(invocation), action });
  }

  /** Notes that an agent works, until the returned function is called. */
  #begin(invocation: Invocation): () => void {
    const agent = invocation.handler;
    this.#running.set(agent, (this.#running.get(agent) ?? 0) + 1);
    const finish = this.#repetitions.called(agent, conversationOf(invocation));
    return () => {
      finish();
      const left = (this.#running.get(agent) ?? 1) - 1;
      if (left === 0) this.#running.delete(agent);
      else this.#running.set(agent, left);
    };
  }
}

function isFirst(invocation: Invocation): boolean {
  return (invocation.of === 'node' ? invocation.attempt : invocation.message.delivery) === 1;
}

/**
 * The scope within which repetition counts. A further attempt rightly repeats the one before it and is a conversation
 * of its own. All that one sender sends to an agent, and all that the agent says in reply, is one conversation, unless
 * the sender is a program that is not an agent.
 */
function conversationOf(invocation: Invocation): string {
  if (invocation.of === 'message') {
    const { to, from, id } = invocation.message;
    return `${to} and ${from ?? id}`;
  }
  const { traceId, attempt } = invocation;
  return attempt === 1 ? traceId : `${traceId}, attempt ${attempt}`;
}
