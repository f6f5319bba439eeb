import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseTranscript } from '../../agents/channel-digest/parsing/parse-transcript.ts';
import { TranscriptError } from '../../agents/channel-digest/transcript-error.ts';
import { sample, sampleText, talk } from './samples.ts';

describe('reading a transcript', () => {
  const said = (text: string, name = 'talk') =>
    parseTranscript(text, name).utterances.map(({ speaker, text: words, line }) => [line, speaker, words]);

  const CHATS: Record<string, [string, Array<[number, string, string]>]> = {
    'bracketed times': [
      '[10:02] mara: hi\n[10:03] jo: hello',
      [
        [1, 'mara', 'hi'],
        [2, 'jo', 'hello'],
      ],
    ],
    'IRC names': [
      '[10:02] <mara> hi\n[10:03] <jo> hello',
      [
        [1, 'mara', 'hi'],
        [2, 'jo', 'hello'],
      ],
    ],
    'times without brackets': [
      '10:02 mara: hi\n10:03 jo: hello',
      [
        [1, 'mara', 'hi'],
        [2, 'jo', 'hello'],
      ],
    ],
    'bare names': [
      'mara: hi\njo: hello\nmara: bye\njo: bye',
      [
        [1, 'mara', 'hi'],
        [2, 'jo', 'hello'],
        [3, 'mara', 'bye'],
        [4, 'jo', 'bye'],
      ],
    ],
    'WhatsApp with a dash': [
      '22/11/2026, 10:02 - Mara: hi\n22/11/2026, 10:03 - Jo B: hello',
      [
        [1, 'Mara', 'hi'],
        [2, 'Jo B', 'hello'],
      ],
    ],
    'WhatsApp with brackets': [
      '[22/11/2026, 10:02:33] Mara: hi\n[22/11/2026, 10:03:01] Jo: hello',
      [
        [1, 'Mara', 'hi'],
        [2, 'Jo', 'hello'],
      ],
    ],
    'Discord text export': [
      '[20-Nov-26 10:02 AM] mara#1234\nhi\n\n[20-Nov-26 10:03 AM] jo\nhello\n{Reactions}\n👍',
      [
        [2, 'mara', 'hi'],
        [5, 'jo', 'hello'],
      ],
    ],
    'Discord copy and paste': [
      'mara — Today at 10:02\nhi\njo — Today at 10:03\nhello',
      [
        [2, 'mara', 'hi'],
        [4, 'jo', 'hello'],
      ],
    ],
    'meeting transcript': [
      'Mara Lind (00:01:10): hi all\nJo (00:01:15): hello',
      [
        [1, 'Mara Lind', 'hi all'],
        [2, 'Jo', 'hello'],
      ],
    ],
  };
  for (const [kind, [text, expected]] of Object.entries(CHATS)) {
    it(`reads chat text with ${kind}`, () => {
      assert.deepEqual(said(text), expected);
    });
  }

  it('keeps the lines of a message that runs over several', () => {
    const { utterances } = talk('[10:02] ann: first', 'second', '', 'third', '[10:03] bo: reply');

    assert.deepEqual(
      utterances.map(({ line, lastLine }) => [line, lastLine]),
      [
        [1, 4],
        [5, 5],
      ],
    );
    assert.equal(utterances[0]?.text, 'first\nsecond\n\nthird');
  });

  it('counts lines the same with a byte order mark, CRLF and emoji', () => {
    assert.deepEqual(said('\uFEFF[10:02] ann: hi 🎉\r\n[10:03] bo: 你好\r\n'), [
      [1, 'ann', 'hi 🎉'],
      [2, 'bo', '你好'],
    ]);
  });

  it('reads a Discord JSON export with names, replies, mentions, bots and the line of each text', () => {
    const { utterances, people } = sample('discord-export.json');
    const lines = sampleText('discord-export.json').split('\n');

    assert.deepEqual(people.map(({ name }) => name).slice(0, 3), ['Ana', 'Bo', 'Chidera']);
    assert.equal(utterances.filter(({ automated }) => automated).length, 1);
    assert.ok(utterances.some(({ text }) => text.startsWith('@Bo can you')));
    const reply = utterances.find(({ text }) => text === 'yep, on it');
    assert.match(utterances[reply?.replyTo ?? -1]?.text ?? '', /extra sign-up slots/);
    for (const { line } of utterances) assert.match(lines[line - 1] ?? '', /"content":/);
  });

  it('reads a Slack export, with names from profiles and threads as replies', () => {
    const slack = JSON.stringify(
      [
        {
          type: 'message',
          user: 'U1',
          text: 'hi <@U2>',
          ts: '1.1',
          user_profile: { real_name: 'Ann Lee', display_name: 'ann' },
        },
        {
          type: 'message',
          user: 'U2',
          text: 'hello',
          ts: '1.2',
          thread_ts: '1.1',
          user_profile: { real_name: 'Bo Kay' },
        },
        { type: 'message', subtype: 'channel_join', user: 'U3', text: 'has joined', ts: '1.3' },
      ],
      null,
      2,
    );
    const { utterances } = parseTranscript(slack, 'slack.json');

    assert.deepEqual(
      utterances.map(({ speaker, text, replyTo, automated }) => [speaker, text, replyTo, automated]),
      [
        ['ann', 'hi @Bo Kay', null, false],
        ['Bo Kay', 'hello', 0, false],
        ['U3', 'has joined', null, true],
      ],
    );
  });

  it('reads notes by heading, list item and paragraph, without code', () => {
    const { format, utterances } = talk(
      '# Plan',
      '',
      'A paragraph',
      'on two lines.',
      '- [x] **Ann:** do it',
      '```',
      'code: no',
      '```',
      '## Next',
      '1. last',
    );

    assert.equal(format, 'notes');
    assert.deepEqual(
      utterances.map(({ line, lastLine, section, checked, text }) => [line, lastLine, section, checked, text]),
      [
        [3, 4, 'Plan', null, 'A paragraph\non two lines.'],
        [5, 5, 'Plan', true, 'Ann: do it'],
        [10, 10, 'Next', null, 'last'],
      ],
    );
  });

  it('does not take labels in notes for speakers', () => {
    assert.equal(talk('Date: Monday', 'Topic: the move', 'Decision: we move', 'Note: bring boxes').format, 'notes');
  });

  it('names the line of malformed JSON Lines and JSON', () => {
    const fault = (text: string, name: string) => {
      try {
        parseTranscript(text, name);
      } catch (error) {
        return error instanceof TranscriptError ? error.line : error;
      }
      return 'no fault';
    };

    assert.equal(fault('{"author":"a","text":"x"}\n\n{"author":"b","text":\n', 'chat.jsonl'), 3);
    assert.equal(fault('{"author":"a","text":"x"}\n{"author":"b","text":"y"}\n{"author"', 'pasted'), 3);
    assert.equal(fault('{\n "messages": [\n  {"author": "a", "text": oops}\n ]\n}', 'chat.json'), 3);
    assert.equal(fault('[\n{"author": "a", "text": "x"},\n', 'chat.json'), 2);
    assert.throws(() => parseTranscript('{"a": 1}', 'chat.json'), /array of messages/);
  });

  it('refuses a text without a word, and binary content, with a sentence that says what to do', () => {
    for (const text of ['', ' \n\t\n', '---\n***\n', '👍\n🎉']) {
      assert.throws(() => parseTranscript(text, 'empty.txt'), {
        name: 'TranscriptError',
        message: /without a single word.*Hand in/,
      });
    }
    assert.throws(() => parseTranscript('PK\u0000\u0001', 'a.txt'), /binary/);
  });

  it('tells English from other languages', () => {
    const german =
      '[10:02] jan: wir haben gestern den neuen Server eingerichtet und alles läuft gut\n[10:03] eva: sehr schön, danke dir für die Arbeit';

    assert.equal(parseTranscript(german, 'de.txt').language, 'other');
    assert.equal(sample('standup.txt').language, 'english');
    assert.equal(talk('[10:02] 田中: こんにちは、会議は何時ですか', '[10:03] 鈴木: 三時です').language, 'other');
  });

  it('gives every text either utterances with true lines or a TranscriptError', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '[10:02] ann: hi',
        'bo: yes',
        '{"text":"x","author":"a"}',
        '# h',
        '- item',
        '```',
        '{',
        '[',
        '\r\n',
        '\uFEFF',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('\n');
        const count = text.split(/\r\n|\r|\n/).length;
        try {
          for (const { line, lastLine } of parseTranscript(text, 'any').utterances)
            assert.ok(1 <= line && line <= lastLine && lastLine <= count);
        } catch (error) {
          if (!(error instanceof TranscriptError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});
