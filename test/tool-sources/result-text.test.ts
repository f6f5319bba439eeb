import assert from 'node:assert/strict';
import type { HandlerContext } from '../../domain/agents/handler.ts';
import { resultText } from '../../tool-sources/result-text.ts';

const image = (bytes: number) => ({
  ...{ type: 'image' as const, mimeType: 'image/png' },
  data: Buffer.alloc(bytes).toString('base64'),
});

describe('what a source of tools answers', () => {
  /** Keeps artifacts as the names that they are given. */
  const read = async (content: Parameters<typeof resultText>[0]['content'], stopAfter = Number.POSITIVE_INFINITY) => {
    const kept: string[] = [];
    const stop = new AbortController();
    const writeArtifact: HandlerContext['writeArtifact'] = async ({ name }) => {
      if (kept.push(name) === stopAfter) stop.abort(new Error('it takes too long'));
      return name;
    };
    const context = { signal: stop.signal, writeArtifact } as HandlerContext;
    const text = await resultText({ content }, context).catch(String);
    return { text: text.split('\n'), kept };
  };

  it('is kept with 32 images at most, and says how many were left out', async () => {
    const { text, kept } = await read([...Array.from({ length: 40 }, () => image(3)), { type: 'text', text: 'end' }]);

    assert.equal(kept.length, 32);
    assert.deepEqual(text.slice(31), [
      '[image/png, 3 bytes: artifact result-32]',
      'end',
      '[8 images or files left out: at most 32 of a result are kept, of 8000000 bytes together]',
    ]);
  });

  it('is kept with 8 MB of images at most', async () => {
    const { text, kept } = await read([image(5_000_000), image(5_000_000), image(2_000_000)]);

    assert.deepEqual(kept, ['result-1', 'result-3']);
    assert.match(text.at(-1) ?? '', /^\[1 images or files left out/);
  });

  it('is not read any further once its call is over', async () => {
    const { text, kept } = await read([image(1), image(1), image(1)], 2);

    assert.deepEqual([text, kept], [['Error: it takes too long'], ['result-1', 'result-2']]);
  });
});
