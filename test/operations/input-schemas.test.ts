import assert from 'node:assert/strict';
import { z } from 'zod';
import type { JsonObject } from '../../domain/json.ts';
import { compileInputSchema, inputSchemaFaultsOf } from '../../operations/graphs/input-schemas.ts';

const checks = (schema: JsonObject) => compileInputSchema({ graph: 'g', schema });
const faults = (schema: JsonObject) =>
  inputSchemaFaultsOf({ graph: 'g', schema }).map(({ code, path, message }) => `${code} ${path} ${message}`);

describe('the compiler of input schemas', () => {
  it('lets every format of Zod be published, and what it writes of recursive schemas', () => {
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree);
      },
    });
    const formats = z.object({ a: z.email(), b: z.uuid(), c: z.url(), d: z.iso.datetime(), e: z.emoji(), f: z.jwt() });

    for (const schema of [tree, formats, z.object({})]) {
      assert.deepEqual(faults(z.toJSONSchema(schema) as JsonObject), []);
    }
  });

  it('keeps two versions of one $id apart', () => {
    const first = checks({ $id: 'https://example.com/note', required: ['title'] });
    const second = checks({ $id: 'https://example.com/note', required: ['text'] });

    assert.equal(first({ title: '' }), undefined);
    assert.match(second({ title: '' })?.[0]?.message ?? '', /'text'/);
  });

  it('refuses, with the place, what is no JSON Schema or leads nowhere', () => {
    const cases: [JsonObject, RegExp][] = [
      [
        { properties: { a: { type: 'strin' } } },
        /^input_schema_unusable \/inputSchema\/properties\/a\/type It is no JSON/,
      ],
      [{ $ref: '#/$defs/none' }, /cannot be compiled: can't resolve reference #\/\$defs\/none/],
      [{ $ref: '#' }, /leads to itself without an end/],
      [{ $schema: 'http://json-schema.org/draft-07/schema#' }, /draft-07/],
    ];

    for (const [schema, expected] of cases) {
      const [fault = '', ...others] = faults(schema);
      assert.match(fault, expected);
      assert.deepEqual(others, []);
    }
  });

  it('tells of a stored schema that never ends by its code, not by a raw RangeError', () => {
    const circle = { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } };
    const endless: JsonObject[] = [
      { properties: { a: { $ref: '#/properties/a' } } },
      { ...circle, properties: { a: { $ref: '#/$defs/a' } } },
      { $dynamicRef: '#' },
    ];

    for (const schema of endless) {
      assert.throws(() => checks(schema)({ a: 1 }), { code: 'graph_invalid', message: /without an end/ });
    }
    assert.throws(() => checks({ pattern: '[' }), { code: 'graph_invalid', message: /Invalid regular expression/ });
  });
});
