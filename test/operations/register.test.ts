import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RISK_CLASSES } from '../../domain/agents/risk.ts';
import { PERMISSIONS } from '../../operations/caller.ts';
import { defineOperation } from '../../operations/define.ts';
import { OPERATIONS } from '../../operations/register.ts';
import { productFiles, readText } from '../architecture/source-files.ts';
import { registerTable } from './register-table.ts';

describe('the register of operations', () => {
  it('names each operation once, as its domain and its verb', () => {
    const names = OPERATIONS.map(({ name }) => name);

    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z]+\.[a-z]+([A-Z][a-z]+)*$/);
  });

  it('has every operation that is defined', () => {
    const defined = productFiles()
      .filter(({ path }) => path.startsWith('operations/') && path !== 'operations/define.ts')
      .flatMap(({ text }) => [...text.matchAll(/^ {2}name: '([a-z]+\.\w+)',$/gm)].map(([, name]) => name));

    assert.deepEqual(
      OPERATIONS.map(({ name }) => name).toSorted(),
      defined.toSorted(),
      'operations/register.ts against the files of operations/',
    );
  });

  it('tells each operation in one sentence, under a permission that there is', () => {
    for (const { name, summary, permission } of OPERATIONS) {
      assert.match(summary, /^[A-Z][^\n]*\.$/, name);
      assert.ok(Object.hasOwn(PERMISSIONS, permission), name);
    }
  });

  it('gives each operation a risk that fits what it does', () => {
    for (const { name, effect, risk } of OPERATIONS) {
      const isMild = risk === 'read_only' || risk === 'network_read' || risk === 'data_exfiltration_risk';
      assert.ok(Object.hasOwn(RISK_CLASSES, risk), name);
      assert.equal(isMild, effect === 'read', `${name}: ${effect}, ${risk}`);
      if (effect === 'destroy') assert.equal(risk, 'high_risk', name);
    }
  });

  it('declares an audit row and a key only where the door has a transaction for them', () => {
    const spec = {
      ...({ summary: 'Does nothing.', effect: 'write', risk: 'external_write', permission: 'limits:use' } as const),
      ...{ input: {}, handle: async () => 'done' },
    };
    const note = { action: 'nothing.done', subjectType: 'nothing', subjectId: '1' };
    // @ts-expect-error nobody would write the row
    defineOperation({ ...spec, name: 'test.none', unit: 'none', audit: () => note });
    // @ts-expect-error one statement has no room for it
    defineOperation({ ...spec, name: 'test.single', unit: 'statement', audit: () => note });
    // @ts-expect-error nobody would keep the answer
    defineOperation({ ...spec, name: 'test.again', unit: 'none', once: 'key' });
    defineOperation({ ...spec, name: 'test.kept', unit: 'tenant', once: 'key', audit: () => note });

    for (const operation of OPERATIONS) {
      if (operation.unit !== 'none' && operation.unit !== 'statement') continue;
      assert.ok(!('audit' in operation) && !('once' in operation), operation.name);
    }
  });

  it('counts as a risk of exfiltration what answers rows of tasks, dead letters, events or messages', () => {
    const telling = OPERATIONS.filter(({ risk }) => risk === 'data_exfiltration_risk').map(({ name }) => name);

    assert.deepEqual(telling.toSorted(), [
      'approvals.list',
      'conversations.read',
      'conversations.view',
      'evals.show',
      'messages.list',
      'tasks.dead',
      'tasks.diff',
      'tasks.events',
      'tasks.export',
      'tasks.list',
      'tasks.read',
      'tasks.show',
      'tasks.waits',
      'tasks.why',
      'thinking.follow',
      'thinking.text',
    ]);
  });

  it('lets nothing that destroys go without a dry run', () => {
    const destroying = OPERATIONS.filter(({ effect }) => effect === 'destroy');

    assert.ok(destroying.length > 0);
    for (const { name, input } of destroying) assert.ok('dryRun' in input, name);
  });

  it('gives every input as a JSON Schema that allows nothing else', () => {
    for (const operation of OPERATIONS) {
      const schema = operation.inputSchema();
      assert.deepEqual([schema.type, schema.additionalProperties], ['object', false], operation.name);
    }
  });

  it('is the table of docs/operations-register.md', () => {
    const page = readText('docs/operations-register.md');

    assert.ok(page.includes(registerTable()), `the page has another table than the register:\n${registerTable()}`);
  });
});

describe('the input of every operation', () => {
  for (const { name, parse } of OPERATIONS) {
    it(`of ${name} is refused in one sentence when it is none, or names what is not there`, () => {
      const wrong = fc.oneof(
        fc.constantFrom<unknown>(null, undefined, 'text', 7, [], new Map(), new Date(0), () => ({})),
        fc.dictionary(
          fc.string({ minLength: 3 }).map((text) => `x-${text}`),
          fc.anything(),
          { minKeys: 1 },
        ),
        fc.constant(
          new Proxy(
            {},
            {
              ownKeys: () => {
                throw new Error('no');
              },
            },
          ),
        ),
      );

      fc.assert(fc.property(wrong, (given) => assertRefused(() => parse(given))));
    });
  }
});

function assertRefused(call: () => unknown): void {
  assert.throws(call, (error: unknown) => {
    assert.equal((error as { code?: unknown }).code, 'option_invalid', String(error));
    assert.match((error as Error).message, /^[a-z]+\.\w+ was called incorrectly: [^\n]+\. Nothing was done\.$/);
    return true;
  });
}
