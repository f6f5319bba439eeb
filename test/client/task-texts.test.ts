import assert from 'node:assert/strict';
import type { Face } from '../../client/face.ts';
import { TaskTexts, type TextEvent } from '../../client/task-texts.ts';
import type { TraceId } from '../../domain/ids.ts';
import { type EventCursor, parseCursor } from '../../domain/thinking/event-cursor.ts';
import { followText } from '../../operations/thinking/follow.ts';
import type { TextPiece } from '../../redis/text-entries.ts';

const TRACE = 't' as TraceId;
const NOWHERE: EventCursor = { seq: 0, open: new Map() };

const piece = (attempt: number, characters: number, text: string): TextPiece => ({
  at: { step: 1, attempt, characters, calls: 0 },
  text,
  tool: null,
});

/** A face whose stream has these pieces, and whose stored answer is this. */
function faceWith(pieces: TextPiece[], answer: string): Face {
  return {
    call: async (operation: unknown, { from = 0, after = '' }: { from?: number; after?: string }) => {
      if (operation !== followText) return { text: answer.slice(from, from + 4), characters: answer.length };
      const place = parseCursor(`0+draft#${after}`)?.open.get('draft');
      const isBehind = ({ at }: TextPiece) =>
        place !== undefined && at.attempt * 1_000 + at.characters > place.attempt * 1_000 + place.characters;
      return { pieces: pieces.filter(isBehind), isFull: false };
    },
  } as unknown as Face;
}

const answered = (attempt: number) => ({
  ...{ seq: 3, type: 'model.answered' as const, nodeId: 'draft', data: { step: 1, attempt }, at: new Date(0) },
});

async function told(events: AsyncIterable<TextEvent>): Promise<string[]> {
  const found: string[] = [];
  for await (const event of events) found.push(event.type === 'text.added' ? `+${event.text}` : event.type);
  return found;
}

describe('the texts of a trace', () => {
  it('tell a gap once, nothing behind it, and the rest with the answer', async () => {
    const texts = new TaskTexts(faceWith([piece(1, 4, 'abcd'), piece(1, 10, 'ij')], 'abcdefghij'), NOWHERE);
    texts.found([{ path: 'draft', step: 1 }]);

    assert.deepEqual(await told(texts.said(TRACE)), ['+abcd', 'text.missed']);
    assert.deepEqual(await told(texts.said(TRACE)), []);
    assert.deepEqual(await told(texts.before(answered(1), TRACE)), ['+efgh', '+ij', 'text.completed']);
  });

  it('begin anew where another attempt was answered than the one that was heard', async () => {
    const texts = new TaskTexts(faceWith([piece(1, 2, 'no')], 'yes'), NOWHERE);
    texts.found([{ path: 'draft', step: 1 }]);
    await told(texts.said(TRACE));

    assert.deepEqual(await told(texts.before(answered(101), TRACE)), ['text.restarted', '+yes', 'text.completed']);
  });

  it('tell an end once, also to a reader that continues between it and its event', async () => {
    const face = faceWith([], 'done');
    const texts = new TaskTexts(face, NOWHERE);
    texts.found([{ path: 'draft', step: 1 }]);
    await told(texts.before(answered(1), TRACE));

    const later = new TaskTexts(face, parseCursor(texts.cursor) ?? NOWHERE);

    assert.equal(texts.cursor, '0+draft#2.0@0.0');
    assert.deepEqual(await told(later.before(answered(1), TRACE)), []);
  });
});
