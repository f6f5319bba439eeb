import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fitList, fitText } from '../../temporal/fit-text.ts';

describe('a text for Temporal', () => {
  it('stays as it is where it fits', () => {
    assert.equal(fitText('é'.repeat(32), 64), 'é'.repeat(32));
    assert.deepEqual(fitList(['a', 'b'], 9), ['a', 'b']);
  });

  it('is cut between characters and ends in a hash of the whole, so that two stay two', () => {
    const [one, other] = [fitText(`${'😀'.repeat(20)}a`, 64), fitText(`${'😀'.repeat(20)}b`, 64)];

    assert.match(one, /^(?:😀){13}~[0-9a-f]{8}$/u);
    assert.notEqual(one, other);
  });

  it('never has more bytes than it may', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.integer({ min: 9, max: 400 }), (text, most) => {
        const fitted = fitText(text, most);
        assert.ok(Buffer.byteLength(fitted) <= most);
        assert.ok(fitted === text || fitted.includes('~'));
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 80 }), { maxLength: 60 }), (texts) => {
        assert.ok(Buffer.byteLength(JSON.stringify(fitList(texts, 256))) <= 256);
      }),
    );
  });
});
