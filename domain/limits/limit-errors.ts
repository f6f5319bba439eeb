import { MusterError } from '../errors.ts';

/** A limit is exhausted. Nothing was done and nothing was charged; after `retryAfterMs` the same call has room. */
export class RateLimited extends MusterError {
  readonly code = 'rate_limited';
  override readonly retryable = true;
  /** @param facts the answer of the limiter; `deniedBy` is the limit's name */
  constructor(facts: { deniedBy: string; limit: number; remaining: number; retryAfterMs: number }) {
    const seconds = Math.ceil(facts.retryAfterMs / 1_000);
    super(
      `The limit ${facts.deniedBy} of ${facts.limit} is used up. Repeat the call after ${seconds} s, ` +
        'or raise the limit: `muster limits` shows them all.',
      facts,
    );
  }
}

/** A call costs more than its limit can ever allow, or less than nothing: waiting cannot help. Nothing was charged. */
export class CostInvalid extends MusterError {
  readonly code = 'input_invalid';
  constructor(name: string, cost: number, most: number) {
    super(
      `The limit ${name} takes a cost from 0 to ${most} at once, and was asked for ${cost}. Split the call, or raise the burst.`,
      { limit: name, cost, most },
    );
  }
}
