import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Json, JsonObject } from '../../../domain/json.ts';
import { argumentsFault, conditionFault } from '../../../domain/tools/argument-condition.ts';

const amount: JsonObject = {
  type: 'object',
  required: ['amount', 'to'],
  properties: {
    amount: { type: 'number', exclusiveMinimum: 0, maximum: 50 },
    to: { type: 'string', pattern: '^[a-z]+@example\\.org$' },
  },
  additionalProperties: false,
};

const fits = (condition: JsonObject, given: Json) => argumentsFault(condition, given) === null;

describe('a condition on arguments', () => {
  it('lets through what fits it, and names what does not with its place', () => {
    assert.equal(conditionFault(amount), null);
    assert.ok(fits(amount, { amount: 50, to: 'ada@example.org' }));
    for (const given of [
      { amount: 51, to: 'ada@example.org' },
      { amount: '50', to: 'ada@example.org' },
      { amount: 50, to: 'ada@example.org.evil.net' },
      { amount: 50 },
      { amount: 50, to: 'ada@example.org', note: 'more' },
      null,
      'amount',
    ]) {
      assert.ok(!fits(amount, given), JSON.stringify(given));
    }
    assert.match(argumentsFault(amount, { amount: 51, to: 'ada@example.org' }) ?? '', /^#\/amount: 51 is greater/);
    assert.equal(argumentsFault(amount, { amount: 5, to: 'eve' }), '#/to: is none of the values that fit');
  });

  it('C009: is refused where it would hold less than it says', () => {
    const refused: readonly [unknown, RegExp][] = [
      [{ type: 'number', maximun: 5 }, /\/maximun is not a keyword/],
      [{ maximum: 5 }, /\/maximum needs the type "number"/],
      [{ type: 'number', maximum: '5' }, /\/maximum has a value/],
      [{ properties: { a: {} } }, /\/properties needs the type "object"/],
      [{ type: 'object', properties: { a: { pattern: 'x' } } }, /\/properties\/a\/pattern needs the type "string"/],
      [{ type: 'string', pattern: '(' }, /\/pattern cannot be used/],
      [{ type: 'string', pattern: '(?=a)b' }, /\/pattern cannot be used/],
      [{ type: 'object', patternProperties: {} }, /is not a keyword/],
      [{ $ref: '#' }, /is not a keyword/],
      [{ anyOf: [] }, /\/anyOf must list/],
      [{ not: 'x' }, /\/not must be a JSON Schema/],
      [{ toString: 1 }, /\/toString is not a keyword/],
      [JSON.parse('{"__proto__": {}}'), /\/__proto__ is not a keyword/],
      ['x', /It must be a JSON Schema/],
    ];

    for (const [condition, fault] of refused) assert.match(conditionFault(condition) ?? 'none', fault);
  });

  it('is refused where it is too deep or too large', () => {
    const deep = Array.from({ length: 40 }).reduce<Json>((inner) => ({ not: inner }), {});
    const wide = { anyOf: Array.from({ length: 600 }, () => ({})) };

    assert.match(conditionFault(deep) ?? '', /too large or too deep/);
    assert.match(conditionFault(wide) ?? '', /too large or too deep/);
  });

  it('holds patterns wherever they stand: in lists, in names, under not', () => {
    const word = { type: 'string', pattern: '^[a-z]+$' };
    const names = { type: 'object', propertyNames: word };
    const noSecret = { not: { type: 'string', pattern: 'secret' } };

    assert.deepEqual([fits({ type: 'array', items: word }, ['a', 'b']), fits(names, { ok: 1 })], [true, true]);
    assert.deepEqual([fits({ type: 'array', items: word }, ['a', 'B']), fits(names, { 'not ok': 1 })], [false, false]);
    assert.deepEqual([fits(noSecret, 'open'), fits(noSecret, 'top secret')], [true, false]);
    assert.deepEqual([fits({ anyOf: [word, { const: 7 }] }, 7), fits({ anyOf: [word] }, 7)], [true, false]);
  });

  it('agrees with the engine of the language on patterns that both know', () => {
    const texts = fc.stringMatching(/^[ab1 ]{0,8}$/);
    const patterns = fc.constantFrom('^a+$', 'b1', '^(a|b)*$', '[^ab]', '^$', '(ab){2}', '\\d\\s?');

    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        assert.equal(fits({ type: 'string', pattern }, text), new RegExp(pattern, 'u').test(text));
      }),
    );
  });

  it('takes time linear to the text, whatever its pattern', () => {
    const condition = { type: 'string', pattern: '^(a+)+$' };
    const began = performance.now();

    assert.equal(conditionFault(condition), null);
    assert.ok(!fits(condition, `${'a'.repeat(50_000)}!`));

    assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`);
  });
});
