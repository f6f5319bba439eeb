import type { ReceivedMessage } from '../domain/messaging/received-message.ts';

/** One call of the code of a handler: an attempt of a node, or the delivery of a message to an agent. */
export type Invocation =
  | {
      readonly of: 'node';
      /** The agent's or tool's name. */
      readonly handler: string;
      readonly taskId: string;
      readonly traceId: string;
      readonly nodeId: string;
      readonly attempt: number;
    }
  | { readonly of: 'message'; readonly handler: string; readonly message: ReceivedMessage };

/** Watches the code of handlers from outside. What it does never changes what the code does. */
export interface InvocationWatch {
  /**
   * Calls the code, and attributes to it what it leaves behind.
   * @param given the code's input, noted for the first attempt or delivery only
   */
  call<Result>(invocation: Invocation, given: unknown, code: () => Promise<Result> | Result): Promise<Result>;
  /** Notes what the code asks its context for. Reads only plain data. */
  asked(invocation: Invocation, action: unknown): void;
}

/** For programs that watch nothing. */
export const UNWATCHED: InvocationWatch = {
  call: async (_invocation, _given, code) => code(),
  asked: () => undefined,
};
