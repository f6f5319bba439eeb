import assert from 'node:assert/strict';
import { acrossBorder, answering, MOST_LIMIT_DELAY_MS, parseThrown } from '../../../domain/agents/thrown.ts';
import { MusterError } from '../../../domain/errors.ts';
import { RateLimited } from '../../../domain/limits/limit-errors.ts';

const limited = (retryAfterMs: number) => new RateLimited({ deniedBy: 'a', limit: 1, remaining: 0, retryAfterMs });

async function told(error: unknown): Promise<unknown> {
  return answering(() => Promise.reject(error)).catch((thrown: unknown) => thrown);
}

class NoHelp extends MusterError {
  readonly code = 'deadline_exceeded';
}

describe('what a handler throws', () => {
  it('is the word of the runtime only where the runtime said it to a handler', async () => {
    const own = limited(500);
    const made = parseThrown(own);
    const spoken = parseThrown(await told(own));

    assert.deepEqual([made.code, made.limitedForMs], ['handler_failed', null]);
    assert.deepEqual([spoken.code, spoken.limitedForMs], ['rate_limited', 500]);
    assert.equal(parseThrown({ ...own, code: 'rate_limited' }).limitedForMs, null);
  });

  it('is the word of the handler where its own code threw inside a call of the context', async () => {
    const thrown = await answering(() => acrossBorder(() => Promise.reject(limited(1)))).catch(
      (error: unknown) => error,
    );

    assert.ok(thrown instanceof RateLimited);
    assert.equal(parseThrown(thrown).limitedForMs, null);
  });

  it('says that no attempt can help only as an error of the class that is there for it', () => {
    const { code, retryable } = parseThrown(new NoHelp('no'));

    assert.deepEqual([code, retryable], ['handler_failed', false]);
    assert.equal(parseThrown({ retryable: false }).retryable, true);
  });

  it('asks for a wait only with a number of milliseconds that can be waited', () => {
    const asked = (retryAfterMs: unknown) => parseThrown(Object.assign(new Error('a'), { retryAfterMs })).retryAfterMs;

    assert.deepEqual([Number.NaN, -5, 1e300, '7', 12n, 0, 70].map(asked), [null, null, 3_600_000, null, null, 0, 70]);
  });

  it('never makes a node wait for a limit for no time, or forever', async () => {
    const waits = [0, Number.NaN, 1e300].map(async (ms) => parseThrown(await told(limited(ms))).limitedForMs);

    assert.deepEqual(await Promise.all(waits), [1, 1_000, MOST_LIMIT_DELAY_MS]);
  });

  it('tells the causes of an error, once each and within bounds', () => {
    const refused = new Error('connect ECONNREFUSED');
    const chain = new Error('the page was not read', { cause: new TypeError('fetch failed', { cause: refused }) });
    const circle = new Error('first');
    circle.cause = new Error('second', { cause: circle });
    const quoting = new Error(`not saved: ${refused.message}`, { cause: refused });
    const long = new Error('x'.repeat(1_500), { cause: new Error('y'.repeat(1_500)) });

    assert.deepEqual(
      [chain, circle, quoting].map((thrown) => parseThrown(thrown).message),
      [
        'the page was not read, caused by: fetch failed, caused by: connect ECONNREFUSED',
        'first, caused by: second',
        'not saved: connect ECONNREFUSED',
      ],
    );
    assert.equal(parseThrown(long).message.length, 2_000);
  });
});
