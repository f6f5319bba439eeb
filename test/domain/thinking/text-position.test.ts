import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatCursor, parseCursor } from '../../../domain/thinking/event-cursor.ts';
import {
  attemptNumber,
  charactersIn,
  formatPosition,
  inPieces,
  parsePosition,
  withoutFirst,
} from '../../../domain/thinking/text-position.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 200 });

describe('a place in what a model says', () => {
  it('is read as it was written, with the cursor that holds it', () => {
    const position = { step: 2, attempt: 101, characters: 340, calls: 1 };
    const cursor = { seq: 12, open: new Map([['each[3]/draft', position]]) };

    assert.equal(formatPosition(position), '2.101@340.1');
    assert.deepEqual(parsePosition('2.101@340.1'), position);
    assert.equal(formatCursor(cursor), '12+each[3]/draft#2.101@340.1');
    assert.deepEqual(parseCursor('12+each[3]/draft#2.101@340.1'), cursor);
    assert.deepEqual(parseCursor('7'), { seq: 7, open: new Map() });
  });

  it('is not read from any other text', () => {
    for (const other of ['', '2', '0.1@3.0', '2.1@-3.0', '2.1@3', ' 2.1@3.0', '2.1@3.0x', '2.1@1e3.0']) {
      assert.equal(parsePosition(other), null, other);
    }
    for (const other of ['', '-1', '1.5', 'soon', '7+', '7+draft', '7+draft#2', '7+#2.1@3.0', '7+A b#2.1@3.0', '7 ']) {
      assert.equal(parseCursor(other), null, other);
    }
  });

  it('grows with each announcement of a call, and within one with each provider', () => {
    const numbers = [attemptNumber(1, 0), attemptNumber(1, 1), attemptNumber(1, 5_000), attemptNumber(2, 0)];

    assert.deepEqual(numbers, [1, 2, 100, 101]);
  });

  it('counts characters, and never cuts one', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 9 }), fc.nat(200), (whole, most, count) => {
        const pieces = [...inPieces(whole, most)];

        assert.equal(pieces.join(''), whole);
        assert.ok(pieces.every((piece) => piece.isWellFormed() && piece.length <= most && piece !== ''));
        assert.equal(
          pieces.reduce((sum, piece) => sum + charactersIn(piece), 0),
          [...whole].length,
        );
        assert.equal(withoutFirst(whole, count), [...whole].slice(count).join(''));
      }),
    );
  });
});
