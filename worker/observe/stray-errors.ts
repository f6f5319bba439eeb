import { AsyncLocalStorage } from 'node:async_hooks';
import type { Log } from '../../activities/dependencies.ts';
import type { Invocation } from '../../capabilities/invocation.ts';
import type { JsonObject } from '../../domain/json.ts';
import { readSafely, thrownText } from '../../domain/thrown-text.ts';

/** The invocation of a handler's code, and the log for its stray errors. Everything that it starts inherits this. */
interface Caller {
  readonly facts: JsonObject;
  readonly log: Log;
}

const callers = new AsyncLocalStorage<Caller>();

/** Runs the code of a handler so that errors it leaves behind are attributed to it. */
export function asCaller<Result>(invocation: Invocation, log: Log, code: () => Result): Result {
  return callers.run({ facts: factsOf(invocation), log }, code);
}

function factsOf(invocation: Invocation): JsonObject {
  const { handler } = invocation;
  if (invocation.of === 'message') return { handler, messageId: invocation.message.id };
  const { taskId, nodeId, attempt } = invocation;
  return { handler, taskId, nodeId, attempt };
}

let surviving = false;

/**
 * Keeps this process alive when the code of handlers leaves errors behind: an unawaited promise that rejects, a timer
 * that throws after the handler has ended. Each is logged with its handler, task and node and changes nothing else,
 * since the node has its own end. An error from anywhere else ends the process, as without a listener; a program with
 * its own listeners decides itself.
 */
export function surviveStrayErrors(): void {
  if (surviving) return;
  surviving = true;
  process.on('uncaughtException', (error: unknown) => meet('uncaughtException', error));
  process.on('unhandledRejection', (error: unknown) => meet('unhandledRejection', error));
}

const NAMES = { uncaughtException: 'an uncaught exception', unhandledRejection: 'an unhandled rejection' } as const;
/** Lines of a stack that are logged. */
const MAX_STACK_CHARACTERS = 4_000;

function meet(event: keyof typeof NAMES, error: unknown): void {
  const caller = callers.getStore();
  const stack = readSafely(error, 'stack');
  const text = typeof stack === 'string' ? stack.slice(0, MAX_STACK_CHARACTERS).toWellFormed() : null;
  if (caller !== undefined) {
    const facts = { ...caller.facts, error: thrownText(error), stack: text };
    caller.log.error(facts, `${NAMES[event]} that a handler left behind; the worker continues`);
    return;
  }
  if (process.listenerCount(event) > 1) return;
  process.stderr.write(`${text ?? thrownText(error)}\n`);
  process.exit(1);
}
