import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type BlockName, fitContext, inputTokensOf } from '../../../domain/models/context-budget.ts';
import { estimateTokens as count } from '../../../domain/models/token-count.ts';

const NAMES = [
  ...['system', 'transcript', 'expert_packets', 'rolling_summary', 'profile_summary', 'relationship_hints', 'intent'],
  ...['reply_context', 'reply_reference', 'memory', 'user'],
] as BlockName[];
const words = (tokens: number) => Array.from({ length: tokens }, (_, index) => `${index % 1_000}`.padStart(4)).join('');
const block = (name: BlockName, tokens: number) => ({ name, text: words(tokens - 4) });
const textOf = (given: object) => ('text' in given ? String(given.text) : '');

describe('a context budget', () => {
  it('C007: never exceeds its limit, never drops the user block, and its report adds up', () => {
    const sizes = fc.record(Object.fromEntries(NAMES.map((name) => [name, fc.integer({ min: 0, max: 90_000 })])));
    const limits = fc.oneof(fc.integer({ min: 200, max: 5_000 }), fc.integer({ min: 200, max: 200_000 }));

    fc.assert(
      fc.property(sizes, limits, (tokens, limit) => {
        const given = NAMES.map((name) => ({ name, text: 'wörd😀 '.repeat((tokens[name] ?? 0) / 8) + name }));

        const { blocks, report } = fitContext(given, { limit, count });

        const cost = blocks.reduce((sum, one) => sum + count(textOf(one)) + 4, 0);
        const sum = (of: 'before' | 'after') => report.blocks.reduce((total, one) => total + one[of], 0);
        assert.ok(report.after <= limit, `${report.after} of ${limit}`);
        assert.deepEqual(
          [cost, report.before, report.after],
          [report.after, sum('before'), sum('after') + report.notice],
        );
        const user = blocks.find(({ name }) => name === 'user');
        assert.ok(user !== undefined && textOf(user).endsWith('user'), 'the user block keeps its tail');
        for (const one of blocks) {
          const { name } = one;
          const text = textOf(one);
          assert.ok(text.isWellFormed());
          if (name === 'transcript') assert.ok(text.endsWith('transcript'), 'the transcript keeps its tail');
          if (name === 'memory') assert.ok(text.startsWith('wörd') || text === 'memory', 'memory keeps its head');
        }
        assert.equal(
          blocks.some(({ name }) => name === 'notice'),
          report.notice > 0,
        );
        assert.equal(
          report.notice > 0,
          report.blocks.some(({ decision }) => decision !== 'kept'),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('C007: gives way in its order, and says so right after the system block', () => {
    const given = [block('system', 100), block('transcript', 500), block('memory', 500), block('user', 300)];

    const { blocks, report } = fitContext(given, { limit: 1_000, count });

    assert.deepEqual(
      report.blocks.map(({ name, decision }) => `${name} ${decision}`),
      ['system kept', 'transcript shrunk', 'memory kept', 'user kept'],
    );
    assert.deepEqual(
      blocks.map(({ name }) => name),
      ['system', 'notice', 'transcript', 'memory', 'user'],
    );
  });

  it('C007: has caps for each block, so that a long conversation costs no more once it has reached them', () => {
    const fitted = (tokens: number) =>
      fitContext([block('system', 500), block('transcript', tokens), block('user', 100)], { limit: 108_000, count });

    const [long, longer] = [fitted(50_000), fitted(500_000)].map(({ report }) => report.blocks[1]);

    for (const transcript of [long, longer]) {
      assert.equal(transcript?.decision, 'capped');
      assert.ok(transcript.after <= 20_000 && transcript.after > 19_700, `${transcript.after}`);
    }
  });

  it('C007: leaves what fits as it is', () => {
    const given = [block('system', 50), block('user', 50)];

    const { blocks, report } = fitContext(given, { limit: 116_000, count });

    assert.deepEqual(blocks, given);
    assert.deepEqual([report.limit, report.after, report.notice], [116_000, 100, 0]);
  });

  it('C007: leaves room for the answer, but never more than half', () => {
    const of = (contextTokens: number, maxOutputTokens: number) => inputTokensOf({ contextTokens, maxOutputTokens });

    assert.deepEqual([of(128_000, 12_000), of(8_000, 8_000)], [116_000, 4_000]);
  });

  it('C007: keeps of parts the newest that fit, and shortens one that alone is too large', () => {
    const parts = [9, 5, 4, 3].map((tokens) => ({ tokens }));
    const fitted = (cap: number) => {
      const shorten = (_: object, tokens: number) => ({ tokens });
      const given = [block('user', 20), { name: 'transcript' as const, parts, shorten }];
      const { blocks, report } = fitContext(given, { limit: 200, count, caps: { transcript: cap } });
      const [, left] = blocks.filter(({ name }) => name !== 'notice');
      return [left !== undefined && 'parts' in left ? left.parts.map(({ tokens }) => tokens) : [], report.blocks[1]];
    };

    const report = { name: 'transcript', before: 21 };
    assert.deepEqual(fitted(21), [[9, 5, 4, 3], { ...report, after: 21, decision: 'kept' }]);
    assert.deepEqual(fitted(11), [[4, 3], { ...report, after: 7, decision: 'capped' }]);
    assert.deepEqual(fitted(2), [[2], { ...report, after: 2, decision: 'capped' }]);
  });
});
