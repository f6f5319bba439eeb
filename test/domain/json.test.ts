import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_JSON_DEPTH, toJson } from '../../domain/json.ts';

/** The value in so many objects. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = { a: value };
  return value;
}

function refused(value: unknown): string {
  const result = toJson(value);
  assert.ok(!result.ok, 'expected a refusal');
  return `${result.path}: ${result.found}`;
}

describe('toJson', () => {
  it('gives for JSON what JSON.parse makes of its text, in a copy of its own', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        if (JSON.stringify(value).includes('\\u0000')) return;

        const result = toJson(value);

        assert.deepEqual(result, { ok: true, value: JSON.parse(JSON.stringify(value)) });
      }),
    );
    const input = { list: [{ a: 1 }] };
    const copied = toJson(input);
    assert.ok(copied.ok);
    assert.notEqual((copied.value as typeof input).list, input.list);
  });

  it('writes dates as texts, asks toJSON, and leaves out what is undefined', () => {
    class Money {
      readonly cents = 250;
      toJSON = () => `${this.cents / 100}`;
    }
    class Point {
      readonly x = 1;
    }
    const value = {
      at: new Date('2026-11-29T10:00:00Z'),
      url: new URL('http://a/b'),
      money: new Money(),
      point: new Point(),
      none: undefined,
      bare: Object.assign(Object.create(null), { b: 2 }),
    };

    const result = toJson(value);

    const { none: _none, ...kept } = value;
    assert.deepEqual(result, {
      ok: true,
      value: {
        ...kept,
        at: '2026-11-29T10:00:00.000Z',
        url: 'http://a/b',
        money: '2.5',
        point: { x: 1 },
        bare: { b: 2 },
      },
    });
  });

  it('names the place and the kind of what JSON would drop or change', () => {
    const circle: Record<string, unknown> = {};
    circle.again = { circle };
    const cases: [unknown, string][] = [
      [undefined, ': undefined'],
      [{ rows: [1, 2n] }, '/rows/1: a BigInt'],
      [{ 'a/b': { '~': () => 1 } }, '/a~1b/~0: a function'],
      [[Symbol('s')], '/0: a symbol'],
      [[1, undefined], '/1: undefined'],
      [new Array(3), '/0: undefined'],
      [{ a: Number.NaN }, '/a: NaN'],
      [{ a: Number.NEGATIVE_INFINITY }, '/a: -Infinity'],
      [{ a: new Map([[1, 2]]) }, '/a: a Map'],
      [{ a: new Set([1]) }, '/a: a Set'],
      [new Error('x'), ': an Error'],
      [{ a: /x/ }, '/a: a RegExp'],
      [{ a: Promise.resolve(1) }, '/a: a Promise'],
      [{ a: new Uint8Array(2) }, '/a: a Uint8Array'],
      [{ a: new Date(Number.NaN) }, '/a: an invalid Date'],
      [circle, '/again/circle: a value that contains itself'],
    ];

    for (const [value, expected] of cases) assert.equal(refused(value), expected);
  });

  it('refuses texts and names that PostgreSQL cannot keep', () => {
    assert.equal(refused({ a: ['x\u0000'] }), '/a/0: a text with a NUL character');
    assert.equal(refused({ a: 'x\ud83d' }), '/a: a text with half of a surrogate pair');
    assert.equal(refused({ 'b\udc00': 1 }), '/b\ufffd: a name with half of a surrogate pair');
    assert.ok(toJson({ a: '\ud83d\ude00 \\u0000' }).ok);
  });

  it(`refuses more than ${MAX_JSON_DEPTH} levels, 6,000 too, with a sentence`, () => {
    assert.ok(toJson(nested(MAX_JSON_DEPTH)).ok);

    assert.match(refused(nested(MAX_JSON_DEPTH + 1)), /^\/a\/a.*…: a value more than 500 levels deep$/);
    assert.match(refused(nested(6_000)), /: a value more than 500 levels deep$/);
  });

  it('never throws, whatever the value does when it is read', () => {
    const hostile = {
      get a() {
        throw null;
      },
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();

    assert.equal(refused([hostile]), '/0: a value that throws when it is read');
    assert.equal(refused({ proxy }), '/proxy: a value that throws when it is read');
    assert.match(
      refused({
        toJSON: () => {
          throw new Error('no');
        },
      }),
      /throws when it is read/,
    );
  });

  it('keeps a property called __proto__ as a property', () => {
    const result = toJson(JSON.parse('{"__proto__":{"admin":true}}'));

    assert.ok(result.ok);
    assert.equal(JSON.stringify(result.value), '{"__proto__":{"admin":true}}');
    assert.equal((result.value as { admin?: boolean }).admin, undefined);
  });
});
