import assert from 'node:assert/strict';
import { z } from 'zod';
import { writeSchema } from '../../../domain/agents/schema.ts';
import type { Json, JsonObject } from '../../../domain/json.ts';
import { inputFault } from '../../../domain/tools/input-fault.ts';

const order = writeSchema(
  z.strictObject({ order: z.string().regex(/^[A-Z]-\d+$/), amount: z.number().max(50), mail: z.email().optional() }),
).jsonSchema as JsonObject;

describe('what keeps arguments from fitting a tool', () => {
  it('is found by the schema that a library wrote', () => {
    const faults = [
      { order: 'A-17', amount: 20 },
      { order: 'A-17', amount: 20, mail: 'ada@example.org' },
      { order: 'A-17', amount: 51 },
      { order: '17', amount: 20 },
      { order: 'A-17' },
      { order: 'A-17', amount: 20, tip: 1 },
      'A-17',
    ].map((given) => inputFault(order, given) === null);

    assert.deepEqual(faults, [true, true, false, false, false, false, false]);
  });

  it('is said with its place', () => {
    assert.match(inputFault(order, { order: 'A-17', amount: 51 }) ?? '', /^#\/amount: /);
  });

  it('is nothing that a schema says by what is not known: no value is refused that the whole would accept', () => {
    const accepted: [schema: JsonObject, given: Json][] = [
      [{ $ref: '#/$defs/a', $defs: { a: { type: 'string' } } }, 7],
      [{ not: { $ref: '#/$defs/never' } }, 7],
      [{ not: { format: 'email' } }, 'ada@example.org'],
      [{ type: 'object', patternProperties: { '^x-': {} }, additionalProperties: false }, { 'x-a': 1 }],
      [{ oneOf: [{ type: 'string' }, { $ref: '#' }] }, 7],
      [{ type: 'string', pattern: '(?<=a)b' }, 'b'],
      [{ items: [{ type: 'string' }] }, [1]],
      [{ type: 'number', exclusiveMinimum: true, minimum: 1 }, 1],
    ];

    for (const [schema, given] of accepted) assert.equal(inputFault(schema, given), null, JSON.stringify(schema));
  });

  it('is looked for quickly whatever a foreign schema says', () => {
    const evil = { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } };
    const doubling = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [
        `d${at}`,
        { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
      ]),
    );
    const deep = JSON.parse(`${'{"not":'.repeat(450)}{}${'}'.repeat(450)}`);
    const begun = performance.now();

    inputFault(evil, { a: `${'a'.repeat(10_000)}b` });
    inputFault({ $ref: '#/$defs/d0', $defs: doubling }, 7);
    inputFault(deep, 7);

    assert.ok(performance.now() - begun < 1_000, `${performance.now() - begun} ms`);
  });
});
