import assert from 'node:assert/strict';
import { parseTranscript } from '../../../agents/channel-digest/parsing/parse-transcript.ts';
import { noticesOf, readLines, said } from './said.ts';

describe('the transcript of a meeting', () => {
  it('of Teams is read by its voices, without cue ids and times', () => {
    const talk = readLines(
      '\uFEFFWEBVTT',
      '',
      '0b6f3a70-1111-4d1c-9a1e-0c5d2e7f0000/12-0',
      '00:00:03.120 --> 00:00:06.480',
      '<v Vale, Ines>Shall we move &amp; rename the party?</v>',
      '',
      '0b6f3a70-1111-4d1c-9a1e-0c5d2e7f0001/12-1',
      '00:01:03.120 --> 00:01:06.480',
      '<v Olu Adeyemi (Guest)>I vote',
      'for June.</v>',
      '',
    );

    assert.equal(talk.format, 'captions');
    assert.deepEqual(said(talk), [
      ['00:00:03', 'Vale, Ines', 'Shall we move & rename the party?'],
      ['00:01:03', 'Olu Adeyemi (Guest)', 'I vote for June.'],
    ]);
    assert.deepEqual(
      talk.utterances.map(({ line }) => line),
      [5, 9],
    );
  });

  const FORMS: Record<string, string[]> = {
    'SRT of Zoom': [
      '1',
      '00:00:03,120 --> 00:00:06,480',
      'Ines Vale: Hi all.',
      '',
      '2',
      '00:00:07,000 --> 00:00:08,000',
      'Bo: Hello.',
    ],
    'VTT of Zoom': [
      'WEBVTT',
      '',
      '1',
      '00:00:03.120 --> 00:00:06.480',
      'Ines Vale: Hi all.',
      '',
      '2',
      '00:00:07.000 --> 00:00:08.000',
      'Bo: Hello.',
    ],
    'VTT without hours, with settings and a note': [
      'WEBVTT - Sync',
      'Kind: captions',
      '',
      'NOTE by nobody',
      '',
      '00:03.120 --> 00:06.480 align:start',
      '<v.loud Ines Vale>Hi <b>all</b>.',
      '',
      '00:07.000 --> 00:08.000',
      '<v Bo>Hello.',
    ],
    SBV: ['0:00:03.120,0:00:06.480', 'Ines Vale: Hi all.', '', '0:00:07.000,0:00:08.000', 'Bo: Hello.'],
  };
  for (const [form, lines] of Object.entries(FORMS)) {
    it(`is read as ${form}`, () => {
      assert.deepEqual(said(readLines(...lines)), [
        ['00:00:03', 'Ines Vale', 'Hi all.'],
        ['00:00:07', 'Bo', 'Hello.'],
      ]);
    });
  }

  it('joins a sentence that runs over several cues of one speaker', () => {
    const talk = readLines(
      ...['WEBVTT', '', '00:03.000 --> 00:06.000', '<v Ines>I will call', ''],
      ...['00:06.000 --> 00:08.000', '<v Ines>them this afternoon.', '', '00:08.000 --> 00:09.000', '<v Bo>Good.'],
    );

    assert.deepEqual(
      said(talk).map(([, speaker, text]) => [speaker, text]),
      [
        ['Ines', 'I will call them this afternoon.'],
        ['Bo', 'Good.'],
      ],
    );
  });

  it('says when nobody is named', () => {
    const talk = readLines(
      'WEBVTT',
      '',
      '00:03.000 --> 00:06.000',
      'we should move the party',
      '',
      '00:07.000 --> 00:08.000',
      'to June',
    );

    assert.match(noticesOf(talk, 'names').join(), /do not say who speaks/);
  });
});

describe('the chat of a Zoom meeting', () => {
  it('is read with direct messages marked, and said to be there', () => {
    const talk = readLines(
      '18:02:11\t From Ines Vale to Everyone:',
      '\tshall we move the party?',
      '\tto June?',
      '18:03:11\t From Vale, Bo to Ines Vale(Direct Message):',
      '\tplease not',
      '18:04:11\t From Ines Vale to Everyone:',
      '\tReacted to "shall we move..." with 👍',
      '18:05:11\t From Bo to Everyone:',
      '\tReplying to "shall we move..."',
      '\t',
      '\tfine with me',
    );

    assert.equal(talk.format, 'zoom');
    assert.deepEqual(said(talk), [
      ['18:02:11', 'Ines Vale', 'shall we move the party?\nto June?'],
      ['18:03:11', 'Vale, Bo', 'please not'],
      ['18:05:11', 'Bo', 'fine with me'],
    ]);
    assert.deepEqual(
      talk.utterances.map(({ directTo }) => directTo),
      [null, 'Ines Vale', null],
    );
    assert.match(noticesOf(talk, 'private').join(), /1 direct message .*Vale, Bo to Ines Vale/);
  });

  it('is read as older versions saved it, on one line', () => {
    const talk = readLines(
      '18:02:11 From  Ines Vale : hi all',
      '18:03:11 From  Bo  to  Everyone : hello: you',
      '2024-03-12 18:04:11 From Bo to Ines Vale(Privately) : psst',
    );

    assert.deepEqual(said(talk), [
      ['18:02:11', 'Ines Vale', 'hi all'],
      ['18:03:11', 'Bo', 'hello: you'],
      ['2024-03-12T18:04:11', 'Bo', 'psst'],
    ]);
    assert.equal(talk.utterances[2]?.directTo, 'Ines Vale');
  });
});

describe('a chat copied out of a window', () => {
  const COPIES: Record<string, string[]> = {
    'Teams, old': ['[12/03/2024 18:02] Vale, Ines', 'hi all', '', '[12/03/2024 18:03] Bo', 'hello'],
    'Teams transcript': ['Vale, Ines   0:03', 'hi all', '', 'Bo   1:07', 'hello'],
    Signal: ['Vale, Ines (2024-03-12 18:02): hi all', 'Bo (2024-03-12 18:03): hello'],
    'names with emoji': ['[18:02] Ines 🌸: hi all', '[18:03] Bo: hello'],
    'names last first': ['Vale, Ines: hi all', 'Bo: hello', 'Vale, Ines: bye', 'Bo: bye'],
    'digits of another script': ['[١٨:٠٢] Ines: hi all', '[١٨:٠٣] Bo: hello'],
  };
  for (const [copy, lines] of Object.entries(COPIES)) {
    it(`is read: ${copy}`, () => {
      const talk = readLines(...lines);

      assert.equal(talk.format, 'chat-text');
      assert.deepEqual(
        said(talk)
          .slice(0, 2)
          .map(([, speaker, text]) => [speaker?.replace('Vale, ', '').replace(' 🌸', ''), text]),
        [
          ['Ines', 'hi all'],
          ['Bo', 'hello'],
        ],
      );
    });
  }

  it('knows "Last, First" by the first name', () => {
    const { people } = parseTranscript('[18:02] Vale, Ines: hi\n[18:03] Dr. Olu A., PhD: hello', 'a.txt');

    assert.ok(people[0]?.aliases.includes('ines'));
    assert.ok(people[0]?.aliases.includes('ines vale'));
    assert.ok(people[1]?.aliases.includes('olu'));
  });
});
