import assert from 'node:assert/strict';
import { parseTranscript } from '../../../agents/channel-digest/parsing/parse-transcript.ts';
import { readLines, said } from './said.ts';

const TALK = [
  ['ann_k', 'shall we move the party?'],
  ['bo', 'I vote for June'],
  ['ann_k', 'is on the phone'],
];

describe('an IRC log', () => {
  const CLIENTS: Record<string, [string | null, string[]]> = {
    irssi: [
      '2024-03-12T',
      [
        '--- Log opened Tue Mar 12 09:15:00 2024',
        '09:15 -!- ann_k [~a@host.example] has joined #party',
        '09:16 <@ann_k> shall we move the party?',
        '09:17 < bo> I vote for June',
        '09:18  * ann_k is on the phone',
        '09:19 -!- bo [~b@host.example] has quit [bye: all]',
        '--- Log closed Tue Mar 12 10:00:00 2024',
      ],
    ],
    weechat: [
      '2024-03-12T',
      [
        '2024-03-12 09:15:00\t-->\tann_k (~a@host.example) has joined #party',
        '2024-03-12 09:15:00\t--\tMode #party [+o ann_k] by server',
        '2024-03-12 09:16:00\t@ann_k\tshall we move the party?',
        '2024-03-12 09:17:00\tbo\tI vote for June',
        '2024-03-12 09:18:00\t *\tann_k is on the phone',
        '2024-03-12 09:19:00\t<--\tbo (~b@host.example) has quit (bye)',
      ],
    ],
    hexchat: [
      '2024-03-12T',
      [
        '**** BEGIN LOGGING AT Tue Mar 12 09:15:00 2024',
        '',
        'Mar 12 09:15:00 *\tNow talking on #party',
        'Mar 12 09:15:01 *\tbo (~b@host.example) has joined',
        'Mar 12 09:16:00 <ann_k>\tshall we move the party?',
        'Mar 12 09:17:00 <bo>\tI vote for June',
        'Mar 12 09:18:00 *\tann_k is on the phone',
        'Mar 12 09:19:00 *\tbo has quit (bye)',
        '**** ENDING LOGGING AT Tue Mar 12 10:00:00 2024',
      ],
    ],
    mIRC: [
      '2024-03-12T',
      [
        'Session Start: Tue Mar 12 09:15:00 2024',
        'Session Ident: #party',
        '[09:15] * Now talking in #party',
        '[09:15] * bo (~b@host.example) has joined #party',
        '[09:16] <@ann_k> shall we move the party?',
        '[09:17] <bo> I vote for June',
        '[09:18] * ann_k is on the phone',
        '[09:19] * bo sets mode: +v ann_k',
        'Session Close: Tue Mar 12 10:00:00 2024',
      ],
    ],
    ZNC: [
      null,
      [
        '[09:15:00] *** Joins: bo (~b@host.example)',
        '[09:16:00] <ann_k> shall we move the party?',
        '[09:17:00] <bo> I vote for June',
        '[09:18:00] * ann_k is on the phone',
        '[09:19:00] *** Quits: bo (~b@host.example) (bye)',
      ],
    ],
    'The Lounge': [
      '2024-03-12T',
      [
        '[2024-03-12T09:15:00.000Z] *** bo (b@host.example) joined',
        '[2024-03-12T09:16:00.000Z] <@ann_k> shall we move the party?',
        '[2024-03-12T09:17:00.000Z] <bo> I vote for June',
        '[2024-03-12T09:18:00.000Z] * ann_k is on the phone',
      ],
    ],
    supybot: [
      '2024-03-12T',
      [
        '2024-03-12T09:15:00 *** bo has joined #party',
        '2024-03-12T09:16:00 <ann_k> shall we move the party?',
        '2024-03-12T09:17:00 <bo> I vote for June',
        '2024-03-12T09:18:00  * ann_k is on the phone',
      ],
    ],
    'nicks alone': [null, ['<ann_k> shall we move the party?', '<bo> I vote for June', '<ann_k> is on the phone']],
  };
  for (const [client, [day, lines]] of Object.entries(CLIENTS)) {
    it(`of ${client} is read without joins, modes and the log's own lines`, () => {
      const talk = readLines(...lines);

      assert.equal(talk.format, 'irc');
      assert.deepEqual(
        said(talk).map(([, speaker, text]) => [speaker, text]),
        TALK,
      );
      if (day !== null)
        assert.ok(
          said(talk).every(([time]) => time?.startsWith(`${day}09:1`)),
          JSON.stringify(said(talk)),
        );
      assert.deepEqual(
        talk.people.map(({ name }) => name),
        ['ann_k', 'bo'],
      );
    });
  }

  it('takes the day from the name of the file, and the next one from a line', () => {
    const text = '[23:59:00] <ann> good night\n--- Day changed Wed Mar 13 2024\n[00:01:00] <bo> morning';

    const { statistics } = parseTranscript(text, '#party_20240312.log');

    assert.deepEqual([statistics.firstTime, statistics.lastTime], ['2024-03-12T23:59:00', '2024-03-13T00:01:00']);
  });

  it('keeps the signs that nicks may have', () => {
    const talk = readLines('[09:16] <[ann]|away> hi', '[09:17] <+^bo_> hello', '[09:18] <c`d> hm');

    assert.deepEqual(
      said(talk).map(([, speaker]) => speaker),
      ['[ann]|away', '^bo_', 'c`d'],
    );
  });

  it('loses colours and bold', () => {
    const talk = readLines(
      '[09:16] <ann> \u000304,01red\u0003 and \u0002bold\u000f',
      '[09:17] <\u000307bo\u0003> hello',
    );

    assert.deepEqual(
      said(talk).map(([, speaker, text]) => [speaker, text]),
      [
        ['ann', 'red and bold'],
        ['bo', 'hello'],
      ],
    );
  });
});
