import { ReplyError } from 'ioredis';
import { errorMessage, MusterError } from '../domain/errors.ts';

/**
 * Redis did not do what it was asked, and may have done it all the same: an answer that never came says nothing about
 * the question. Nothing is lost by it, because PostgreSQL holds all that the index holds.
 */
export class RedisUnreachable extends MusterError {
  readonly code = 'service_unreachable';
  readonly retryable = true;

  constructor(facts: { address: string; timeoutMs: number; reason: string }, cause: unknown) {
    super(
      `Expected an answer from Redis at ${facts.address} within ${facts.timeoutMs} ms, but got none: ${facts.reason}. ` +
        'Check that it runs, can be reached and has memory left; `muster status` shows how it is.',
      { service: 'redis', ...facts },
      { cause },
    );
  }
}

/** The first words of refusals that speak of the state of the server, not of the question. */
const UNAVAILABLE =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|MISCONF|BUSY|NOREPLICAS|NOAUTH|WRONGPASS)\b/;

/**
 * Whether a failed command says that Redis is away or unwilling. Any other refusal is a fault of the program that
 * asked, and no repetition helps.
 */
export function saysUnreachable(error: unknown): boolean {
  return !(error instanceof ReplyError) || UNAVAILABLE.test(errorMessage(error));
}
