import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineEval, type EvalOptions } from '../../../domain/evals/define-eval.ts';
import { meanOf, readScore } from '../../../domain/evals/evaluation.ts';
import { judgeGraph } from '../../../domain/evals/judge-graph.ts';
import { validateGraph } from '../../../domain/graphs/validate-graph.ts';
import { defineAgent } from '../../../index.ts';

const judge = defineAgent({
  name: 'judge',
  input: z.object({ output: z.unknown(), case: z.unknown() }),
  output: z.object({ score: z.number() }),
  model: 'default',
  instructions: 'Score it.',
});

const valid: EvalOptions = {
  name: 'support',
  graph: 'triage',
  cases: [{ name: 'lost', input: { text: 'Where is it?' }, expect: 'refund' }],
  scorers: { exact: (output, { expect }) => output === expect, tone: judge },
};

describe('an evaluation set', () => {
  it('is data, and the code of its scorers beside it', () => {
    const { set, code } = defineEval(valid);

    assert.deepEqual(set, {
      name: 'support',
      graph: 'triage',
      cases: [{ name: 'lost', input: { text: 'Where is it?' }, expect: 'refund' }],
      scorers: { exact: null, tone: { kind: 'agent', name: 'judge', thinks: true } },
    });
    assert.deepEqual(Object.keys(code), ['exact']);
  });

  const faulty: [string, Record<string, unknown>, RegExp][] = [
    ['a name that is none', { name: 'Support!' }, /a name like/],
    ['no cases', { cases: [] }, /1 to 1000 cases/],
    [
      'two cases of one name',
      { cases: [valid.cases[0], valid.cases[0]] },
      /a name of its own for each case, found "lost"/,
    ],
    [
      'an input that is a list',
      { cases: [{ name: 'a', input: [] }] },
      /plain JSON with an object as input in the case "a"/,
    ],
    ['an input that is not JSON', { cases: [{ name: 'a', input: { at: new Map() } }] }, /plain JSON/],
    ['a case that is null', { cases: [null] }, /a name of 1 to 100 characters/],
    ['no scorers', { scorers: {} }, /1 to 20 scorers/],
    ['a scorer that is a text', { scorers: { exact: 'judge' } }, /a function, or an agent or tool/],
    ['no graph', { graph: undefined }, /a graph or its name/],
  ];
  for (const [what, change, message] of faulty) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => defineEval({ ...valid, ...change } as never), { code: 'eval_definition_invalid', message });
    });
  }

  it('names all its faults at once', () => {
    assert.throws(() => defineEval({ name: 7 } as never), { facts: { name: 'the number 7', faults: 4 } });
  });
});

describe('a score', () => {
  const read: [unknown, number | null][] = [
    ...([
      [0, 0],
      [1, 1],
      [0.5, 0.5],
      [true, 1],
      [false, 0],
      [{ score: 0.25 }, 0.25],
      [{ score: true }, 1],
    ] as [unknown, number][]),
    ...([-0.1, 1.1, Number.NaN, '1', null, undefined, [], {}, { score: '1' }, { score: { score: 1 } }] as const).map(
      (value): [unknown, null] => [value, null],
    ),
  ];
  for (const [value, score] of read) {
    it(`of ${JSON.stringify(value) ?? String(value)} is ${score}`, () => {
      assert.equal(readScore(value)?.score ?? null, score);
    });
  }

  it('has a mean only when every case is scored', () => {
    const scores = [
      { case: 'a', scorer: 'exact', score: 1, reason: null },
      { case: 'b', scorer: 'exact', score: 0, reason: null },
      { case: 'a', scorer: 'tone', score: 1, reason: null },
    ];

    assert.deepEqual(
      [meanOf(scores, 'exact', 2), meanOf(scores, 'tone', 2), meanOf([], 'exact', 0)],
      [0.5, null, null],
    );
  });
});

describe('the graph of a judge', () => {
  it('keeps the rules of graphs', () => {
    for (const kind of ['agent', 'tool'] as const) {
      const checked = validateGraph(judgeGraph({ kind, name: 'judge', thinks: kind === 'agent' }));
      assert.deepEqual(checked.ok ? [] : checked.faults, []);
    }
  });
});
