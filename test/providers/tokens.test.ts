import assert from 'node:assert/strict';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { loadCounters } from '../../providers/tokens.ts';

const SAMPLES = {
  chinese: '今天天气很好我们一起去公园散步吧',
  japanese: '従業員は全員この書類に署名しなければなりません',
  cyrillic: 'Сегодня хорошая погода, пойдём гулять. ',
  emoji: '😀🎉🚀',
  base64: 'Qk1q8ZxYtB7/p+3',
  prose: 'The quick brown fox jumps over the lazy dog. ',
  spaces: ' ',
};

describe('tokens', () => {
  it('are counted truly, whether a text has breaks or not', async () => {
    const count = (await loadCounters(['gpt-4o']))('gpt-4o');

    for (const [name, sample] of Object.entries(SAMPLES)) {
      for (const length of [40, 1_990, 2_500]) {
        const text = sample.repeat(2_500).slice(0, length);
        const [counted, truly] = [count(text), countTokens(text)];
        assert.ok(counted >= truly / 2 && counted <= truly * 1.5 + 50, `${name} ${length}: ${counted} for ${truly}`);
      }
    }
  });

  it('of a very long text are scaled up from samples', async () => {
    const count = (await loadCounters(['gpt-4o']))('gpt-4o');
    const text = `${SAMPLES.prose.repeat(3_000)}${SAMPLES.chinese.repeat(10_000)}`;
    const pieces = (text.match(/.{1,1000}/gsu) ?? []).reduce((sum, piece) => sum + countTokens(piece), 0);

    const counted = count(text);

    assert.ok(counted > pieces / 2 && counted < pieces * 1.5, `${counted} for ${pieces}`);
  });
});
