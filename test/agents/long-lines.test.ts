import assert from 'node:assert/strict';
import { findActionItems } from '../../agents/channel-digest/findings/action-items.ts';
import { readConversation } from '../../agents/channel-digest/findings/conversation.ts';
import { findDecisions } from '../../agents/channel-digest/findings/decisions.ts';
import { findQuestions } from '../../agents/channel-digest/findings/questions.ts';
import { readSentences } from '../../agents/channel-digest/language/read-sentences.ts';
import { boundedPieces } from '../../agents/channel-digest/language/sentences.ts';
import { parseTranscript } from '../../agents/channel-digest/parsing/parse-transcript.ts';
import { plantedTalk } from './long-transcript.ts';

const HEAD = '[10:00] ann: hello there, what is this about?\n[10:01] bo: ';
/** What stands at the end of the long line, and after it. */
const TAIL = '. We decided to move the launch to Monday.\n[10:02] ann: We decided to ship the new release on Friday.\n';
/** A quadratic pattern takes minutes for it. */
const LENGTH = 200_000;
/** What a pattern with a repetition in it takes long to give up on, once it is repeated often enough. */
const REPEATED = [
  'a',
  ' ',
  'a ',
  'a.',
  'a-',
  '@a ',
  'and, ',
  'ok so ',
  "I'll do. ",
  '?',
  '...',
  '(',
  '_*',
  '1 ',
  '- ',
  '👍',
];

function turns() {
  let count = 0;
  const pace = async () => {
    count += 1;
  };
  return { pace, taken: () => count };
}

describe('a line of 200,000 characters', () => {
  for (const unit of REPEATED) {
    it(`of ${JSON.stringify(unit)} is read to its end`, async () => {
      const { pace } = turns();
      const conversation = await readConversation(
        parseTranscript(`${HEAD}${unit.repeat(LENGTH / unit.length)}${TAIL}`, 'long.txt'),
        pace,
      );

      const decisions = await findDecisions(conversation);
      const [actions, questions] = [await findActionItems(conversation), await findQuestions(conversation)];

      assert.deepEqual(
        decisions.map(({ text, lines }) => [text, lines]),
        [
          ['Move the launch to Monday.', [2]],
          ['Ship the new release on Friday.', [3]],
        ],
      );
      assert.ok(actions.length <= 2 && questions.open.length <= 1);
    }).timeout(20_000);
  }

  it('is looked at in pieces that end between words and lose none', () => {
    const words = Array.from({ length: 5_000 }, (_, at) => `word${at}`);

    const pieces = boundedPieces(words.join(' '), 3);

    assert.deepEqual(
      pieces
        .map(({ text }) => text)
        .join('')
        .split(' '),
      words,
    );
    assert.ok(pieces.every(({ text, offset }) => text.length <= 600 && offset === 3));
  });

  it('in notes keeps the line on which each piece begins', () => {
    const lines = Array.from({ length: 100 }, (_, at) => `This is what stands on line number ${at} of the notes.`);

    const pieces = boundedPieces(lines.join('\n'), 0);

    assert.ok(pieces.length > 5 && pieces.length <= lines.length, `${pieces.length} pieces`);
    for (const { text, offset } of pieces)
      assert.ok(text.trimStart().startsWith(lines[offset] ?? '-') || text.startsWith('\n'));
  });
});

describe('a long text', () => {
  it('is read once by all who read it at the same time, and each has its turns', async () => {
    const transcript = parseTranscript(plantedTalk(3_000).text, 'long.txt');
    const one = turns();
    const other = turns();

    const [first, second] = await Promise.all([
      readSentences(transcript, one.pace),
      readSentences(structuredClone(transcript), other.pace),
    ]);

    assert.equal(first, second);
    assert.ok(one.taken() > 1 && other.taken() > 1, `${one.taken()} and ${other.taken()} turns`);
  });

  it('is still read for the others when one of them is stopped', async () => {
    const transcript = parseTranscript(plantedTalk(1_000).text, 'long.txt');
    const stopped = readSentences(transcript, () => Promise.reject(new Error('stopped')));
    const other = readSentences(structuredClone(transcript), turns().pace);

    await assert.rejects(stopped, /stopped/);
    assert.ok((await other).length >= 1_000);
  });
});
