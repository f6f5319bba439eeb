import assert from 'node:assert/strict';
import { noticesOf, readLines, said } from './said.ts';

const MARK = '\u200E';

describe('a WhatsApp export', () => {
  it('from an iPhone is read with its names, dates and order, without what the program says itself', () => {
    const talk = readLines(
      `[05/11/23, 6:02:11 PM] Rowing Club: ${MARK}Messages and calls are end-to-end encrypted.`,
      `${MARK}[05/11/23, 6:02:11 PM] Ines Vale: ${MARK}You created group “Rowing Club”`,
      '[05/11/23, 6:03:00 PM] Ines Vale: Who brings the oars?',
      '[13/11/23, 12:04:09 AM] ~ +33 6 12 34 56 78: I do',
      'and the cover',
      '',
      'and the rope',
      `[13/11/23, 12:05:00 AM] Prof. Olu A., MD: ${MARK}image omitted`,
      `[13/11/23, 12:06:00 AM] Prof. Olu A., MD: Fine 🚣 ${MARK}<This message was edited>`,
      `[13/11/23, 12:07:00 AM] Ben 🐢: see you ${MARK}<attached: 00000012-PHOTO.jpg>`,
      `[13/11/23, 12:08:00 AM] Ben 🐢: ${MARK}This message was deleted.`,
      `${MARK}[13/11/23, 12:09:00 AM] Ines Vale: ${MARK}You removed Jo`,
    );

    assert.equal(talk.format, 'whatsapp');
    assert.match(noticesOf(talk, 'content').join(), /1 × media and 1 × deleted or missing/);
    assert.deepEqual(said(talk), [
      ['2023-11-05T18:03:00', 'Ines Vale', 'Who brings the oars?'],
      ['2023-11-13T00:04:09', '~ +33 6 12 34 56 78', 'I do\nand the cover\n\nand the rope'],
      ['2023-11-13T00:06:00', 'Prof. Olu A., MD', 'Fine 🚣'],
      ['2023-11-13T00:07:00', 'Ben 🐢', 'see you'],
    ]);
    assert.deepEqual(
      talk.people.map(({ name }) => name),
      ['Ines Vale', '~ +33 6 12 34 56 78', 'Prof. Olu A., MD', 'Ben 🐢'],
    );
    assert.deepEqual(talk.utterances.map(({ line, lastLine }) => [line, lastLine]).slice(0, 2), [
      [3, 3],
      [4, 7],
    ]);
  });

  it('from Android is read with numbers for names, without notices, media, deletions and calls', () => {
    const talk = readLines(
      '05/11/23, 18:02 - Messages and calls are end-to-end encrypted. Only people in this chat can read them.',
      '05/11/23, 18:02 - Ines created group "Club: Rowing"',
      '05/11/23, 18:03 - Ines changed the subject from “A: b” to “C: d”',
      '05/11/23, 18:03 - +33 6 12 34 56 78: Who brings the oars?',
      '05/11/23, 18:04 - Ines: <Media omitted>',
      '05/11/23, 18:05 - Ines: I do',
      '05/11/23, 18:05 - Ines: You deleted this message',
      '05/11/23, 18:06 - Ines: null',
      '05/11/23, 18:07 - Ines: IMG-20231105-WA0003.jpg (file attached)',
      'This is the boat',
      '05/11/23, 18:08 - Ines changed the group description to: rowing',
      '14/11/23, 18:09 - Ines: ok then <This message was edited>',
      '14/11/23, 18:10 - Missed voice call',
    );

    assert.deepEqual(said(talk), [
      ['2023-11-05T18:03', '+33 6 12 34 56 78', 'Who brings the oars?'],
      ['2023-11-05T18:05', 'Ines', 'I do'],
      ['2023-11-05T18:07', 'Ines', 'This is the boat'],
      ['2023-11-14T18:09', 'Ines', 'ok then'],
    ]);
  });

  const LOCALES: Record<string, [string, string]> = {
    'US Android': ['11/25/23, 6:02 PM - Ann: one', '11/25/23, 6:03 PM - Bo: two'],
    'US iPhone with narrow spaces': ['[11/25/23, 6:02:00\u202FPM] Ann: one', '[11/25/23, 6:03:00\u202FPM] Bo: two'],
    'German iPhone': ['[25.11.23, 18:02:00] Ann: one', '[25.11.23, 18:03:00] Bo: two'],
    'Italian iPhone': ['[25/11/23, 18:02:00] Ann: one', '[25/11/23, 18:03:00] Bo: two'],
    'Spanish Android of 12 hours': ['25/11/2023 6:02 p. m. - Ann: one', '25/11/2023 6:03 p. m. - Bo: two'],
    'Finnish Android': ['25.11.2023 klo 18.02 - Ann: one', '25.11.2023 klo 18.03 - Bo: two'],
    'Swedish Android': ['2023-11-25 18:02 - Ann: one', '2023-11-25 18:03 - Bo: two'],
    'South African iPhone': ['[2023/11/25, 18:02:00] Ann: one', '[2023/11/25, 18:03:00] Bo: two'],
    'Korean Android': ['2023년 11월 25일 오후 6:02, Ann : one', '2023년 11월 25일 오후 6:03, Bo : two'],
    'Chinese Android': ['2023/11/25 下午6:02 - Ann: one', '2023/11/25 下午6:03 - Bo: two'],
    'Arabic iPhone': [
      '\u200F[٢٥\u200F/١١\u200F/٢٠٢٣، ٦:٠٢:٠٠ م] Ann: one',
      '\u200F[٢٥\u200F/١١\u200F/٢٠٢٣، ٦:٠٣:٠٠ م] Bo: two',
    ],
    'Hindi digits': ['२५/११/२३, ६:०२ pm - Ann: one', '२५/११/२३, ६:०३ pm - Bo: two'],
    'copied from the web': ['[6:02 PM, 11/25/2023] Ann: one', '[6:03 PM, 11/25/2023] Bo: two'],
    'Bulgarian Android': ['25.11.23 г., 18:02 ч. - Ann: one', '25.11.23 г., 18:03 ч. - Bo: two'],
  };
  for (const [locale, lines] of Object.entries(LOCALES)) {
    it(`is read in the dates and clock of its place: ${locale}`, () => {
      const talk = readLines(...lines);

      assert.equal(talk.format, 'whatsapp');
      assert.deepEqual(
        said(talk).map(([time, speaker, text]) => [time?.slice(0, 16), speaker, text]),
        [
          ['2023-11-25T18:02', 'Ann', 'one'],
          ['2023-11-25T18:03', 'Bo', 'two'],
        ],
      );
    });
  }

  it('loses what is omitted or deleted in every language', () => {
    const gone = [
      ...['<Medien ausgeschlossen>', '<Multimedia omitido>', '<Médias omis>', '<Mídia oculta>', '<Без медиафайлов>'],
      ...['Diese Nachricht wurde gelöscht', 'Se eliminó este mensaje.', 'Mensagem apagada', 'Данное сообщение удалено'],
      ...['FOTO-2023.jpg (Datei angehängt)', 'VID-20231125-WA0001.mp4 (archivo adjunto)'],
    ];
    const talk = readLines(
      ...gone.map((text) => `25.11.23, 18:02 - Ann: ${text}`),
      '25.11.23, 18:03 - Ann: I use <b> and <angle> in HTML',
      '25.11.23, 18:04 - Bo: fine',
    );

    assert.deepEqual(
      said(talk).map(([, , text]) => text),
      ['I use <b> and <angle> in HTML', 'fine'],
    );
    assert.deepEqual(noticesOf(talk, 'content'), [
      '11 messages hold no words and are only counted: 7 × media and 4 × deleted or missing.',
    ]);
  });

  it('keeps colons, brackets and times inside a text', () => {
    const talk = readLines(
      '[25.11.23, 18:02:00] Ann: plan: [10:30] boats, 11:00 - lunch: soup',
      '[25.11.23, 18:03:00] Bo: http://example.org/a:b',
    );

    assert.deepEqual(
      said(talk).map(([, , text]) => text),
      ['plan: [10:30] boats, 11:00 - lunch: soup', 'http://example.org/a:b'],
    );
  });

  it('keeps a poll, which somebody asked', () => {
    const talk = readLines(
      `[25.11.23, 18:02:00] Ann: ${MARK}POLL:`,
      'Which day?',
      `${MARK}OPTION: Saturday (${MARK}2 votes)`,
      '',
      '[25.11.23, 18:03:00] Bo: Saturday',
    );

    assert.deepEqual(
      said(talk).map(([, , text]) => text),
      ['POLL:\nWhich day?\nOPTION: Saturday', 'Saturday'],
    );
  });

  it('says which order of dates was taken only where they leave it open', () => {
    assert.deepEqual(
      noticesOf(readLines('[25.11.23, 18:02:00] Ann: one', '[25.11.23, 18:03:00] Bo: two'), 'dates'),
      [],
    );
    assert.match(
      noticesOf(readLines('[05/11/23, 18:02:00] Ann: one', '[05/11/23, 18:03:00] Bo: two'), 'dates').join(),
      /taken as day first/,
    );
  });
});
