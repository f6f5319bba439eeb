import assert from 'node:assert/strict';
import { storedForm } from '../../../domain/graphs/stored-form.ts';
import { validateGraph } from '../../../domain/graphs/validate-graph.ts';
import { MAX_JSON_DEPTH } from '../../../domain/json.ts';
import { BROKEN, CIRCLE, changed, type Data, set, validData } from './broken-graphs.ts';

function faultsOf(data: unknown): readonly { code: string; path: string; message: string }[] {
  const result = validateGraph(data);
  return result.ok ? [] : result.faults;
}

describe('validateGraph', () => {
  it('gives a valid graph back as it was', () => {
    const result = validateGraph(validData());

    assert.ok(result.ok);
    assert.deepEqual(storedForm(result.definition), validData());
  });

  for (const [rule, code, path, change] of BROKEN) {
    it(`C004: refuses a graph ${rule}`, () => {
      const faults = faultsOf(changed(change));

      assert.ok(
        faults.some((fault) => fault.code === code && fault.path === path),
        JSON.stringify(faults),
      );
      for (const { message } of faults) assert.match(message, /^[A-Z"].*\.$/);
    });
  }

  it('C004: names all faults at once, and a lone fault alone', () => {
    const budget = { timeoutMs: 0, maxRetries: 4, inputTokens: 0, outputTokens: 1 };
    const many = changed(set('/nodes/0/budget', budget), set('/version', 'v2'), set('/width', 99), CIRCLE);
    const lone = changed(set('/nodes/0/budget/maxRetries', 4));

    assert.deepEqual(
      faultsOf(many).map((fault) => fault.code),
      [
        'version_unsupported',
        'width_out_of_range',
        'timeout_out_of_range',
        'retries_out_of_range',
        'tokens_out_of_range',
        'dependency_cycle',
      ],
    );
    assert.deepEqual(
      faultsOf(lone).map((fault) => fault.code),
      ['retries_out_of_range'],
    );
  });

  it('C004: names the nodes of a circle in their order', () => {
    const [fault] = faultsOf(changed(CIRCLE));

    assert.match(fault?.message ?? '', /: "read" waits for "join" waits for "read"\.$/);
  });

  it('refuses what is no graph at all without throwing', () => {
    for (const data of [null, undefined, 7, 'graph', [], {}, { nodes: 'x' }, { nodes: [null, 3], edges: [[]] }]) {
      assert.notEqual(faultsOf(data).length, 0);
    }
  });

  it('takes a graph that is as deep as any JSON, and no deeper one', () => {
    const above = '/nodes/0/input/whole'.split('/').length;
    const faultsAt = (levels: number) => {
      const value = deep(levels - above, (inner) => [inner], null);
      return faultsOf(changed(set('/nodes/0/input', { whole: { value } }))).map(({ code }) => code);
    };

    assert.deepEqual([faultsAt(MAX_JSON_DEPTH), faultsAt(MAX_JSON_DEPTH + 1)], [[], ['malformed']]);
  });

  it('refuses nesting that would exhaust the stack', () => {
    const condition = deep(5_000, (inner) => ({ not: inner }), { pointer: '/task', is: 'exists' });
    const value = deep(5_000, (inner) => [inner], null);
    const data = changed(set('/nodes/1/condition', condition), set('/nodes/0/input', { whole: { value } }));

    assert.deepEqual(
      faultsOf(data).map((fault) => fault.code),
      ['malformed', 'malformed'],
    );
  });

  it('accepts every comparison with a value that suits it, and no other', () => {
    const accepted: Data[] = [
      { is: 'equals', value: null },
      { is: 'notEquals', value: { a: [1] } },
      { is: 'lt', value: 1 },
      { is: 'gte', value: 'b' },
      { is: 'contains', value: 'x' },
      { is: 'exists' },
      { is: 'exists', value: false },
      { is: 'truthy' },
    ];
    const refused: Data[] = [
      { is: 'equals' },
      { is: 'lte' },
      { is: 'gt', value: true },
      { is: 'contains' },
      { is: 'exists', value: 'yes' },
      { is: 'truthy', value: true },
      { is: 'like', value: 'x' },
      {},
    ];
    const verdict = (leaf: Data) => {
      return validateGraph(changed(set('/nodes/1/condition', { pointer: '/task/a', ...leaf }))).ok;
    };

    assert.deepEqual(
      accepted.map(verdict),
      accepted.map(() => true),
    );
    assert.deepEqual(
      refused.map(verdict),
      refused.map(() => false),
    );
  });

  it('refuses a condition that is of two forms, of none, or of nothing', () => {
    for (const condition of [{ all: [] }, { any: [], not: {} }, {}, { not: undefined }, { all: 'x' }, []]) {
      assert.equal(validateGraph(changed(set('/nodes/1/condition', condition))).ok, false);
    }
  });
});

function deep(levels: number, wrap: (inner: unknown) => unknown, core: unknown): unknown {
  return Array.from({ length: levels }).reduce<unknown>(wrap, core);
}
