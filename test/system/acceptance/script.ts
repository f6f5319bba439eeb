import { type HandlerContext, type Json, MusterError } from '../../../index.ts';

/** What a handler saw and did, once per attempt. */
export interface Call {
  readonly taskId: string;
  readonly nodeId: string;
  readonly attempt: number;
  /** How many calls, this one included, were under way when it began. */
  readonly together: number;
  /** The call's own place and the place of its end, in one count over all calls of the script. */
  readonly began: number;
  ended: number | null;
  readonly signal: AbortSignal;
}

/** What a node does. */
export type Behaviour = (context: HandlerContext, input: unknown) => Promise<Json> | Json;

/** What the handlers of a test do, and a record of what they did. Handlers must run in the test's own process. */
export class Script {
  readonly calls: Call[] = [];
  readonly #behaviours = new Map<string, Behaviour>();
  #ticks = 0;
  #running = 0;

  /** Says what the nodes of this id do from now on; nodes that nothing was said of answer at once. */
  on(nodeId: string, behaviour: Behaviour): this {
    this.#behaviours.set(nodeId, behaviour);
    return this;
  }

  /** Forgets behaviours and calls. */
  reset(): void {
    this.#behaviours.clear();
    this.calls.length = 0;
  }

  async run(input: unknown, context: HandlerContext): Promise<Json> {
    const { taskId, nodeId, attempt, signal } = context;
    this.#running += 1;
    this.#ticks += 1;
    const call: Call = { taskId, nodeId, attempt, together: this.#running, began: this.#ticks, ended: null, signal };
    this.calls.push(call);
    try {
      return await (this.#behaviours.get(nodeId) ?? answer)(context, input);
    } finally {
      this.#running -= 1;
      this.#ticks += 1;
      call.ended = this.#ticks;
    }
  }

  callsOf(nodeId: string): readonly Call[] {
    return this.calls.filter((call) => call.nodeId === nodeId);
  }
}

const answer: Behaviour = ({ nodeId }) => ({ node: nodeId });

/** Lets handlers wait until the test says so, or until they are told to stop. */
export class Gate {
  readonly #opened = Promise.withResolvers<void>();

  open(): void {
    this.#opened.resolve();
  }

  readonly pass: Behaviour = async (context) => {
    await Promise.race([this.#opened.promise, aborted(context.signal)]);
    return { node: context.nodeId };
  };
}

/** Never answers, and does not listen to its signal. */
export const hang: Behaviour = () => new Promise<never>(() => undefined);

/** Fails the first attempts and answers then. */
export function failTimes(count: number): Behaviour {
  return (context) => {
    if (context.attempt <= count) throw new Error(`attempt ${context.attempt} of ${context.nodeId} fails`);
    return { node: context.nodeId };
  };
}

/** Fails in a way that no retry can help. */
export const failForGood: Behaviour = () => {
  throw new NoHelp();
};

class NoHelp extends MusterError {
  readonly code = 'handler_failed';
  constructor() {
    super('This cannot work, however often it is tried.');
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
