import { hash } from 'node:crypto';
import { findCycle, remember } from '../../domain/agents/repetition.ts';

/** One thing that an agent asks for. */
export interface Action {
  readonly agent: string;
  /** The trace or the conversation within which repetition counts. */
  readonly conversation: string;
  readonly action: unknown;
}

/** An agent that does the same again and again. */
export interface Repeating {
  readonly agent: string;
  readonly conversation: string;
  /** How many actions make one round. */
  readonly period: number;
}

export interface RepetitionOptions {
  /** Told when an agent begins to repeat itself, once for each time. */
  readonly begins: (repeating: Repeating) => void;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/** Conversations that are watched at once; the one that has been quiet for longest is dropped first. */
const MAX_CONVERSATIONS = 2_000;
/** An agent that has not acted for this time has stopped repeating itself: during its call, and after it. */
const QUIET_AFTER_MS = { during: 60_000, after: 10_000 };
/** Characters that are compared at the beginning and the end of a long text. */
const KEPT_CHARACTERS = 2_000;
/** Items that are compared at the beginning and the end of a long list. */
const KEPT_ITEMS = 100;

interface Conversation {
  readonly agent: string;
  readonly conversation: string;
  actions: readonly string[];
  period: number | null;
  actedAt: number;
  /** Calls of the agent's handler in it that still run. */
  calls: number;
}

/** Finds agents that repeat the same actions, by their requests. */
export class Repetitions {
  readonly #options: RepetitionOptions;
  readonly #conversations = new Map<string, Conversation>();
  /** Makes each action that cannot be compared one of its own. */
  #unknowns = 0;

  constructor(options: RepetitionOptions) {
    this.#options = options;
  }

  /** Notes what an agent asks for. */
  acted({ agent, conversation, action }: Action): void {
    const known = this.#conversation(agent, conversation);
    // Actions that come now and then, by a schedule for example, may well be the same each time.
    if (this.#options.now() - known.actedAt > QUIET_AFTER_MS.during) known.actions = [];
    known.actions = remember(known.actions, digestOf(action) ?? `unknown ${this.#unknowns++}`);
    known.actedAt = this.#options.now();
    const period = findCycle(known.actions)?.period ?? null;
    const begins = period !== null && known.period === null;
    known.period = period;
    if (begins) this.#options.begins({ agent, conversation, period });
  }

  /** Notes a call of the agent's handler, until the returned function is called. */
  called(agent: string, conversation: string): () => void {
    const known = this.#conversation(agent, conversation);
    known.calls += 1;
    return () => {
      known.calls -= 1;
    };
  }

  /** Who repeats itself now. */
  current(): Repeating[] {
    const now = this.#options.now();
    return [...this.#conversations.values()].flatMap(({ agent, conversation, period, actedAt, calls }) => {
      const quietAfterMs = calls > 0 ? QUIET_AFTER_MS.during : QUIET_AFTER_MS.after;
      return period === null || now - actedAt > quietAfterMs ? [] : [{ agent, conversation, period }];
    });
  }

  /** The newest one by now. */
  #conversation(agent: string, conversation: string): Conversation {
    const key = `${agent}\n${conversation}`;
    const fresh = { agent, conversation, actions: [], period: null, actedAt: 0, calls: 0 };
    const known = this.#conversations.get(key) ?? fresh;
    this.#conversations.delete(key);
    this.#conversations.set(key, known);
    const [oldest] = this.#conversations.keys();
    if (this.#conversations.size > MAX_CONVERSATIONS && oldest !== undefined) this.#conversations.delete(oldest);
    return known;
  }
}

/** Null for anything but data: a handler's input may be whatever its schema makes. */
function digestOf(action: unknown): string | null {
  try {
    return hash('sha256', JSON.stringify(action, shorten), 'base64');
  } catch {
    return null;
  }
}

/** A long text or list is compared by its length, beginning and end: reading all of it would block the process. */
function shorten(_key: string, value: unknown): unknown {
  const kept = typeof value === 'string' ? KEPT_CHARACTERS : KEPT_ITEMS;
  if (!(typeof value === 'string' || Array.isArray(value)) || value.length <= 2 * kept) return value;
  return [value.length, value.slice(0, kept), value.slice(-kept)];
}
