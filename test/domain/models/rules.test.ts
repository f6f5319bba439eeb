import assert from 'node:assert/strict';
import fc from 'fast-check';
import { verdictOn } from '../../../domain/models/call-verdict.ts';
import { healthAfter, UNKNOWN_HEALTH } from '../../../domain/models/model-health.ts';
import { CLOSED, callBegins, callFailed, waitOfBreaker } from '../../../domain/models/provider-breaker.ts';
import { escaped, readCalls } from '../../../domain/models/read-call.ts';
import { vocabularyOf } from '../../../domain/models/token-count.ts';
import { costMicros, usageOf } from '../../../domain/models/usage.ts';

const tokens = fc.integer({ min: 0, max: 10_000_000 });
const price = fc.integer({ min: 0, max: 1_000_000_000 });

describe('the rules of model calls', () => {
  it('cost whole micros, rounded up, with cached input and reasoning at their prices', () => {
    const usage = { inputTokens: 1_000, cachedTokens: 400, outputTokens: 10, reasoningTokens: 5 };
    assert.equal(costMicros(usage, { input: 2_500_000, cached: 1_250_000, output: 10_000_000 }), 1_500 + 500 + 100);
    assert.equal(
      costMicros({ ...usage, inputTokens: 1, cachedTokens: 0, outputTokens: 0 }, { input: 1, cached: 0, output: 0 }),
      1,
    );

    fc.assert(
      fc.property(tokens, tokens, tokens, price, price, price, (fresh, cached, outputTokens, input, old, output) => {
        const of = { inputTokens: fresh + cached, cachedTokens: cached, outputTokens, reasoningTokens: 0 };
        const cost = BigInt(costMicros(of, { input, cached: old, output }));
        const exact =
          BigInt(fresh) * BigInt(input) + BigInt(cached) * BigInt(old) + BigInt(outputTokens) * BigInt(output);
        assert.ok(cost * 1_000_000n >= exact && (cost - 1n) * 1_000_000n < exact);
      }),
    );
  });

  it('believe no usage that cannot be one', () => {
    const estimate = { inputTokens: 7, outputTokens: 3 };

    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), fc.anything(), (one, two, three, four) => {
        const reported = { inputTokens: one, cachedTokens: two, outputTokens: three, reasoningTokens: four };
        const usage = usageOf(reported, estimate);
        for (const count of Object.values(usage)) assert.ok(Number.isSafeInteger(count) && count >= 0);
        assert.ok(usage.cachedTokens <= usage.inputTokens && usage.reasoningTokens <= usage.outputTokens);
      }),
    );
    assert.deepEqual(usageOf({}, estimate), { ...estimate, cachedTokens: 0, reasoningTokens: 0 });
  });

  it('open a breaker after five failures for a minute, and let one call probe then', () => {
    let breaker = CLOSED;
    for (let failure = 1; failure <= 4; failure += 1) breaker = callFailed(breaker, 1_000);
    assert.equal(waitOfBreaker(breaker, 1_000), null);

    breaker = callFailed(breaker, 2_000);

    assert.equal(waitOfBreaker(breaker, 3_000), 59_000);
    assert.equal(waitOfBreaker(breaker, 62_000), null);
    breaker = callBegins(breaker, 62_000);
    assert.equal(waitOfBreaker(breaker, 62_001), 59_999, 'the others wait while one probes');
    assert.equal(waitOfBreaker(callFailed(breaker, 65_000), 66_000), 59_000);
  });

  it('weigh health by how fast a model answers', () => {
    const after = (ms: number | null) => Number(healthAfter(UNKNOWN_HEALTH, ms).toFixed(3));

    assert.deepEqual([30_000, 60_000, 120_000, 120_001, null].map(after), [0.6, 0.58, 0.55, 0.52, 0.4]);
  });

  it('judge a status by whether the same request may succeed later, and obey retry-after', () => {
    const now = Date.parse('2026-11-30T12:00:00Z');
    const kinds = (...statuses: number[]) => statuses.map((status) => verdictOn(status, null, now).kind);
    const wait = (header: string) => verdictOn(429, header, now);

    assert.deepEqual(new Set(kinds(400, 402, 403, 404, 409, 413, 422, 301)), new Set(['final']));
    assert.deepEqual(new Set(kinds(408, 425, 429, 500, 502, 503, 504)), new Set(['retry']));
    assert.deepEqual([...kinds(401), verdictOn(null, null, now).kind], ['key_refused', 'retry']);
    assert.deepEqual(wait('1.5'), { kind: 'retry', retryAfterMs: 1_500 });
    assert.deepEqual(wait('Mon, 30 Nov 2026 12:00:20 GMT'), { kind: 'retry', retryAfterMs: 20_000 });
    assert.deepEqual(wait('999999999'), { kind: 'retry', retryAfterMs: 3_600_000 });
    assert.deepEqual(wait('-5'), { kind: 'retry', retryAfterMs: null });
  });

  it('make every tool call storable, whatever a model asks', () => {
    const values = fc.oneof(fc.anything(), fc.jsonValue(), fc.object());
    const received = fc.record({
      id: fc.string({ unit: 'binary' }),
      tool: fc.string({ unit: 'binary' }),
      text: fc.oneof(
        values.map((value) => JSON.stringify(value) ?? ''),
        fc.string({ unit: 'binary' }),
      ),
    });

    fc.assert(
      fc.property(fc.array(received, { maxLength: 20 }), (given) => {
        const calls = readCalls(given);
        assert.equal(new Set(calls.map(({ id }) => id)).size, calls.length);
        for (const call of calls) {
          assert.equal(typeof call.arguments === 'string', call.fault !== undefined);
          const text = JSON.stringify(call.arguments);
          assert.ok(!/\\u0000|\\ud[89a-f]/.test(text.replaceAll('\\\\', '')), text);
        }
      }),
    );
    assert.equal(escaped('a\u0000b\ud800c😀'), 'a\\u0000b\\ud800c😀');
  });

  it('know the vocabulary of an id of any host', () => {
    const ids = ['gpt-4o-mini', 'openai/gpt-5', 'o3', 'gpt-4', 'gpt-3.5-turbo', 'large-2', 'my-gpt-4o'];

    assert.deepEqual(ids.map(vocabularyOf), [
      ...(['o200k_base', 'o200k_base', 'o200k_base', 'cl100k_base', 'cl100k_base'] as const),
      ...[null, null],
    ]);
  });
});
