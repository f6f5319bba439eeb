import assert from 'node:assert/strict';
import { jsonInAnswer } from '../../../domain/thinking/answer-json.ts';

describe('the JSON of an answer', () => {
  it('is the text, or what stands between fences around all of it', () => {
    for (const text of [
      '{"a":1}',
      ' {"a":1}\n',
      '```json\n{"a":1}\n```',
      '```\n{"a":1}```',
      '\n``` json \r\n\n{"a":1}\n\n```  ',
    ])
      assert.deepEqual(jsonInAnswer(text), { a: 1 }, JSON.stringify(text));
    assert.equal(jsonInAnswer('```json\n"a ``` b"\n```'), 'a ``` b');
  });

  it('is undefined where there is other text, another language, or no JSON', () => {
    for (const text of [
      '',
      'Here it is:\n```json\n1\n```',
      '```yaml\n1\n```',
      '```json\n1',
      '```',
      '```1```',
      '```\n```',
      '```json\na\n```',
    ])
      assert.equal(jsonInAnswer(text), undefined, JSON.stringify(text));
  });

  it('is looked for in one pass', () => {
    const from = performance.now();

    assert.equal(jsonInAnswer(`\`\`\`${'\n'.repeat(200_000)}`), undefined);
    assert.equal(jsonInAnswer(`${' '.repeat(200_000)}x`), undefined);
    assert.ok(performance.now() - from < 5_000, `${performance.now() - from} ms`);
  });
});
