import assert from 'node:assert/strict';
import { z } from 'zod';
import { answerFault, collected, knownIn, missingOf } from '../../../domain/graphs/entities.ts';
import { GraphInvalid } from '../../../domain/graphs/graph-faults.ts';
import { timeFault, timeOf } from '../../../domain/graphs/kinds/wait.ts';
import { defineGraph } from '../../../index.ts';

/** A graph of one node as a caller without a compiler may write it. */
const graphOf = (node: object) =>
  defineGraph({ name: 'one', input: z.object({}), nodes: { one: node } as never, output: '/nodes/one' as never });
const faultsOf = (node: object): readonly string[] => {
  try {
    graphOf(node);
    return [];
  } catch (error) {
    assert.ok(error instanceof GraphInvalid);
    return error.faults.map(({ code, path, message }) => `${code} ${path} ${message}`);
  }
};
const nodeOf = (node: object) => graphOf(node).definition.nodes[0];

describe('a node that waits', () => {
  it('is read as it was written, with what it leaves out', () => {
    const approval = nodeOf({ approval: 'May it?' });
    const time = nodeOf({ wait: { for: 'time', until: '2027-01-31T09:00:00Z' } });
    const event = nodeOf({ wait: { for: 'event', name: 'shipped', key: '/task/order' }, expiresMs: 5 });
    const collector = nodeOf({ collect: { entities: [{ name: 'order' }] } });

    assert.deepEqual(approval, {
      ...{ id: 'one', kind: 'approval', objective: 'Waits for a person to approve.', dependsOn: [] },
      ...{ asks: 'May it?', input: { fields: {} }, expiresMs: 86_400_000 },
    });
    assert.deepEqual(time?.kind === 'wait' && [time.for, time.name, time.input], [
      ...['time', undefined, { fields: { until: { value: '2027-01-31T09:00:00Z' } } }],
    ]);
    assert.deepEqual(event?.kind === 'wait' && [event.name, event.input, event.expiresMs], [
      ...['shipped', { fields: { key: { pointer: '/task/order' } } }, 5],
    ]);
    assert.deepEqual(collector?.kind === 'entity-collector' && collector.entities, [
      { name: 'order', description: '', required: true },
    ]);
  });

  const WRONG: readonly (readonly [node: object, fault: RegExp])[] = [
    [{ approval: '' }, /^wait_unusable \/nodes\/0\/asks Expected a question of 1 to 1000 characters, found 0\.$/],
    [{ approval: 5 }, /^malformed \/nodes\/0\/asks Expected text, found the number 5\.$/],
    [{ approval: 'May it?', expiresMs: 0 }, /^wait_out_of_range \/nodes\/0\/expiresMs /],
    [{ approval: 'May it?', budget: {} }, /^unknown_property \/nodes\/0\/budget /],
    [{ wait: { name: 'paid' } }, /^malformed \/nodes\/0\/for /],
    [
      { wait: { for: 'rain', name: 'paid' } },
      /^malformed \/nodes\/0\/for Expected "message", "event" or "time", found "rain"\.$/,
    ],
    [{ wait: { for: 'message' } }, /^wait_unusable \/nodes\/0\/name A wait for a message needs a name like/],
    [
      { wait: { for: 'message', name: 'paid', key: 'a' } },
      /^unknown_property \/nodes\/0\/input\/key A wait for a message takes nothing more/,
    ],
    [
      { wait: { for: 'time', name: 'noon', afterMs: 1 } },
      /^wait_unusable \/nodes\/0\/name A wait for a time has no name\.$/,
    ],
    [
      { wait: { for: 'time' } },
      /^wait_unusable \/nodes\/0\/input A wait for a time needs either "until" or "afterMs"\.$/,
    ],
    [
      { wait: { for: 'time', until: 'noon' } },
      /^wait_unusable \/nodes\/0\/input Expected "until" as a time like .*, found "noon"\.$/,
    ],
    [{ wait: { for: 'time', afterMs: -1 } }, /^wait_unusable \/nodes\/0\/input Expected "afterMs" as a number from 0/],
    [{ collect: { entities: [] } }, /^wait_unusable \/nodes\/0\/entities Expected 1 to 50 entities, found 0\.$/],
    [{ collect: {} }, /^malformed \/nodes\/0\/entities Expected "entities", found nothing\.$/],
    [{ collect: { entities: [{ name: 'a' }], more: 1 } }, /^unknown_property \/nodes\/0\/more /],
    [
      { collect: { entities: [{ name: 'a' }, { name: 'a' }] } },
      /^wait_unusable \/nodes\/0\/entities There are two entities named "a"/,
    ],
    [{ collect: { entities: [{ name: '1' }] } }, /^name_invalid \/nodes\/0\/entities\/0\/name /],
    [
      { collect: { entities: [{ name: 'a', pattern: '(' }] } },
      /^wait_unusable \/nodes\/0\/entities\/0\/pattern The pattern is not a regular expression/,
    ],
    [
      { collect: { entities: [{ name: 'a', pattern: 'a{1000}'.repeat(6) }] } },
      /^wait_unusable \/nodes\/0\/entities\/0\/pattern The pattern repeats too much/,
    ],
    [
      { collect: { entities: ['a', 'b', 'c'].map((name) => ({ name, pattern: '.{1,1000}' })) } },
      /^wait_unusable \/nodes\/0\/entities The patterns together have \d+ steps, where 5000 are allowed\.$/,
    ],
    [
      { wait: { for: 'time', until: '2027-02-30T09:00:00Z' } },
      /^wait_unusable \/nodes\/0\/input Expected "until" as a time like .*, found "2027-02-30T09:00:00Z"\.$/,
    ],
  ];
  for (const [node, fault] of WRONG) {
    it(`is refused as ${JSON.stringify(node)}, in one sentence`, () => {
      const faults = faultsOf(node);

      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', fault);
    });
  }
});

describe('the values of an entity collector', () => {
  const order = { name: 'order', description: 'its number', required: true, pattern: '^A-[0-9]+$' };
  const gift = { name: 'gift', description: '', required: false };
  const count = { name: 'count', description: '', required: true };
  const entities = [order, gift, count];

  it('are texts, numbers and booleans; false, 0 and "" among them, null not', () => {
    for (const value of [false, 0, '', 'text', 1.5]) assert.equal(answerFault(count, value), null);
    for (const value of [null, undefined, [], {}, 'x'.repeat(10_001)])
      assert.match(answerFault(count, value) ?? '', /^Expected a text .* as "count"/);
  });

  it('can be stored: no number without an end, no NUL and no half of a character', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
      assert.match(
        answerFault(count, value) ?? '',
        /^Expected a text .* as "count", found the number (NaN|Infinity)\.$/,
      );
    assert.match(answerFault(count, 'a\u0000b') ?? '', /as "count", found one with a NUL character\.$/);
    assert.match(answerFault(count, '\ud800') ?? '', /as "count", found one with half of a surrogate pair\.$/);
    const fault = answerFault(order, `${'x'.repeat(59)}😀`) ?? '';
    assert.ok(fault.isWellFormed(), fault);
  });

  it('are refused soon where their patterns take too long together, and count as unknown in an input', () => {
    const slow = ['a', 'b'].map((name) => ({ ...count, name, pattern: '^.*(?:x?a?y?){400}$' }));
    const text = 'a'.repeat(4_500);

    assert.deepEqual(Object.keys(knownIn(slow, { a: text, b: 'a' })), ['a', 'b']);
    assert.deepEqual(Object.keys(knownIn(slow, { a: text, b: text })), ['a']);
    assert.match(
      answerFault(slow[0] ?? count, 'a'.repeat(9_000)) ?? '',
      /^Expected a shorter text as "a": its pattern would take too long\.$/,
    );
  });

  it('match their pattern as text', () => {
    assert.equal(answerFault(order, 'A-17'), null);
    assert.equal(answerFault(order, 'a'), 'Expected "order" (its number) to match ^A-[0-9]+$, found "a".');
    assert.equal(answerFault({ ...count, pattern: '^1' }, 12), null);
  });

  it('are taken from an input where they fit; the rest is missing, and an optional one is null in the end', () => {
    const known = knownIn(entities, { order: 'wrong', count: 0, constructor: 'x' });

    assert.deepEqual(known, { count: 0 });
    assert.deepEqual(missingOf(entities, known), [order]);
    assert.deepEqual(collected(entities, { ...known, order: 'A-1' }), { order: 'A-1', gift: null, count: 0 });
    for (const input of [null, 'text', []]) assert.deepEqual(knownIn(entities, input), {});
  });
});

describe('the time of a wait', () => {
  it('is a moment, or so long from now on', () => {
    const now = Date.UTC(2026, 11, 1);

    assert.equal(timeOf({ until: '2027-01-31T09:00:00+01:00' }, now), Date.UTC(2027, 0, 31, 8));
    assert.equal(timeOf({ afterMs: 1.5 }, now), now + 2);
    assert.equal(timeFault({ afterMs: 31_536_000_000 }), null);
  });

  it('is refused where a pointer has found something else', () => {
    for (const input of [{ until: 5 }, { until: '2027-02-28T09:00:00' }, { afterMs: '5' }, {}])
      assert.ok(timeFault(input));
  });

  it('is refused on a day that does not exist, and where PostgreSQL could not keep it', () => {
    for (const until of [
      ...['2027-02-30T09:00:00Z', '2027-02-29T09:00:00Z', '2027-13-01T09:00:00Z', '0000-01-01T00:00:00Z'],
      ...['9999-12-31T23:59:59-23:59', '0001-01-01T00:00:00+01:00'],
    ])
      assert.ok(timeFault({ until }), until);
    for (const until of ['2028-02-29T09:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z'])
      assert.equal(timeFault({ until }), null, until);
  });
});
