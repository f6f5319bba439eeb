import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineTool, HandlerDefinitionInvalid } from '../../../domain/agents/define-handler.ts';
import type { Schema } from '../../../domain/agents/handler.ts';
import { parseWith, writeSchema } from '../../../domain/agents/schema.ts';

const text = z.object({ text: z.string() });

describe('defineAgent and defineTool', () => {
  it('give a frozen handler with its defaults', () => {
    const agent = defineAgent({ name: 'writer', input: text, output: text, handle: (input) => input });
    const tool = defineTool({ name: 'cutter', input: text, output: text, quick: true, handle: (input) => input });

    assert.deepEqual([agent.kind, agent.description, agent.quick], ['agent', '', false]);
    assert.deepEqual([tool.kind, tool.quick], ['tool', true]);
    assert.equal(agent.input, text);
    assert.ok(Object.isFrozen(agent));
  });

  it('name every fault of a definition that is none', () => {
    const define = () => defineAgent({ name: 'My Agent', input: {}, output: text, quick: 'yes' } as never);

    assert.throws(define, (error) => {
      assert.ok(error instanceof HandlerDefinitionInvalid);
      assert.equal(error.facts.faults, 4);
      assert.match(
        error.message,
        /^The agent "My Agent" cannot be defined\. Expected a name like .*, found "My Agent"\./,
      );
      assert.match(error.message, /Expected a function as handle, found undefined\.$/);
      return true;
    });
  });

  it('keep the roles and capabilities of an agent, frozen, and refuse what is not a list of words', () => {
    const roles = ['reviewer'];
    const base = { name: 'writer', input: text, output: text, handle: (input: { text: string }) => input };
    const agent = defineAgent({ ...base, roles, capabilities: ['write', 'translate'] });
    roles.push('changed');

    assert.deepEqual([agent.roles, agent.capabilities], [['reviewer'], ['write', 'translate']]);
    assert.ok(Object.isFrozen(agent.roles));
    assert.deepEqual(defineTool(base).roles, []);
    for (const wrong of ['reviewer', ['Two Words'], [1], Array.from({ length: 21 }, (_, index) => `role-${index}`)]) {
      assert.throws(() => defineAgent({ ...base, roles: wrong } as never), /at most 20 words .* as roles/);
    }
  });

  it('refuse names that are too long, empty or in capitals', () => {
    for (const name of ['', 'A', '1a', 'a_b', 'a'.repeat(65), 'ä']) {
      assert.throws(
        () => defineTool({ name, input: text, output: text, handle: (input) => input }),
        /a name like/,
        name,
      );
    }
  });
});

describe('parseWith', () => {
  it('gives the parsed value, with defaults filled in', async () => {
    const schema = z.object({ limit: z.number().default(3) });

    assert.deepEqual(await parseWith(schema, {}), { ok: true, value: { limit: 3 } });
  });

  it('names each fault with its path as a JSON Pointer', async () => {
    const schema = z.object({ items: z.array(z.object({ 'a/b': z.string() })), name: z.string() });
    const result = await parseWith(schema, { items: [{ 'a/b': 'x' }, { 'a/b': 1 }] });

    assert.ok(!result.ok);
    assert.deepEqual(
      result.issues.map((issue) => issue.path),
      ['/items/1/a~1b', '/name'],
    );
  });

  it('takes any schema of the standard, one that answers later and names parts by key included', async () => {
    const late: Schema<number> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) =>
          typeof value === 'number'
            ? { value }
            : { issues: [{ message: 'No number.', path: [{ key: 'a' }, 0] }, { message: 'Bad.' }] },
      },
    };

    assert.deepEqual(await parseWith(late, 7), { ok: true, value: 7 });
    assert.deepEqual(await parseWith(late, 'x'), {
      ok: false,
      issues: [
        { path: '/a/0', message: 'No number.' },
        { path: '', message: 'Bad.' },
      ],
    });
    assert.equal(writeSchema(late).jsonSchema, null);
  });
});

describe('writeSchema', () => {
  it('writes what a value must be before defaults are filled in, as plain data', () => {
    const written = writeSchema(z.object({ name: z.string(), limit: z.number().default(3) })).jsonSchema;

    assert.deepEqual(written?.required, ['name']);
    assert.deepEqual(written, structuredClone(written));
  });

  it('throws for a schema that has no such form', () => {
    assert.throws(() => writeSchema(z.object({ at: z.date() })));
  });
});
