import assert from 'node:assert/strict';
import { parseTranscript } from '../../../agents/channel-digest/parsing/parse-transcript.ts';
import { noticesOf, said } from './said.ts';

const TALK = [
  ['2024-03-12T09:16', 'Ines', 'shall we move, or not?'],
  ['2024-03-12T09:17', 'Bo', 'I vote for June'],
];

function read(text: string, name = 'chat.csv') {
  return parseTranscript(text, name);
}

describe('a table of messages', () => {
  const TABLES: Record<string, string> = {
    'with a usual header':
      'author,date,content\nInes,2024-03-12 09:16,"shall we move, or not?"\nBo,2024-03-12 09:17,I vote for June\n',
    'with semicolons and German words':
      'Datum;Absender;Nachricht\n12.03.2024 09:16;Ines;shall we move, or not?\n12.03.2024 09:17;Bo;I vote for June',
    'with tabs':
      'Time\tUser Name\tMessage\n2024-03-12 09:16\tInes\tshall we move, or not?\n2024-03-12 09:17\tBo\tI vote for June',
    'with the date and the time apart':
      'Date,Time,From,Text\n3/12/2024,9:16 AM,Ines,"shall we move, or not?"\n3/13/2024,9:17 AM,Bo,I vote for June'.replace(
        '3/13',
        '3/12',
      ),
    'with other columns between':
      'id,channel,sent_at,display_name,reactions,body\n1,general,2024-03-12T09:16,Ines,3,"shall we move, or not?"\n2,general,2024-03-12T09:17,Bo,,I vote for June',
    'with a byte order mark and CRLF':
      '\uFEFF"Sender","Message","Timestamp"\r\n"Ines","shall we move, or not?","2024-03-12 09:16"\r\n"Bo","I vote for June","2024-03-12 09:17"\r\n',
    'newest first':
      'author,date,content\nBo,2024-03-12 09:17,I vote for June\nInes,2024-03-12 09:16,"shall we move, or not?"\n',
  };
  for (const [kind, text] of Object.entries(TABLES)) {
    it(`is read ${kind}`, () => {
      const talk = read(text);

      assert.equal(talk.format, 'chat-csv');
      assert.deepEqual(
        said(talk).map(([time, speaker, words]) => [time?.slice(0, 16), speaker, words]),
        TALK,
      );
    });
  }

  it('is read without a header, by the look of its cells', () => {
    const rows = Array.from(
      { length: 6 },
      (_, at) => `2024-03-12 09:1${at},${at % 2 === 0 ? 'Ines' : 'Bo'},"I say ${at}, and more"`,
    );

    const talk = read(rows.join('\n'));

    assert.deepEqual(said(talk)[1], ['2024-03-12T09:11', 'Bo', 'I say 1, and more']);
    assert.equal(talk.utterances.length, 6);
  });

  it('cites the line on which each row begins, behind cells of several lines and blank ones', () => {
    const { utterances } = read('author,content\nInes,"one\ntwo\nthree"\n\nBo,four\nInes,"say ""hi"""\n');

    assert.deepEqual(
      utterances.map(({ line, text }) => [line, text]),
      [
        [2, 'one\ntwo\nthree'],
        [6, 'four'],
        [7, 'say "hi"'],
      ],
    );
  });

  it('of Discord counts rows without words for a person, and not for a bot', () => {
    const talk = read(
      'AuthorID,Author,Date,Content,Attachments,Reactions\n' +
        '"1","ines#1234","2024-03-12T09:10:00.000+00:00","shall we move?","",""\n' +
        '"2","newsbot","2024-03-12T09:11:00.000+00:00","","",""\n' +
        '"3","bo","2024-03-12T09:12:00.000+00:00","","",""\n' +
        '"3","bo","2024-03-12T09:13:00.000+00:00","","https://cdn.example/plan.pdf",""\n',
    );

    assert.deepEqual(
      said(talk).map(([, speaker, text]) => [speaker, text]),
      [
        ['ines', 'shall we move?'],
        ['bo', '[no text]'],
        ['bo', '[file: plan.pdf]'],
      ],
    );
    assert.match(noticesOf(talk, 'content').join(), /1 × no text and 1 × file/);
  });

  it('is not seen in prose with commas', () => {
    const prose =
      'Name, text and date are, in this order, what I want.\nWe went on, slowly, and came, late, to the hut.\n';

    assert.equal(read(prose, 'a.txt').format, 'notes');
  });
});
