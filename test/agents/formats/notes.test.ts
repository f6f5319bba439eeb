import assert from 'node:assert/strict';
import { parseTranscript } from '../../../agents/channel-digest/parsing/parse-transcript.ts';
import { analyse } from '../samples.ts';
import { noticesOf, readLines } from './said.ts';

describe('meeting notes', () => {
  const notes = readLines(
    '# Club meeting',
    '',
    'Attendees: Ines Vale (chair), Prof. Olu Adeyemi, Bo',
    '',
    '- Risks: the pumps are late and will cost more',
    '- Budget: 1.8 of 2.3 million are spent',
    '- Scope: we need to cut the café',
    '- Heating will be replaced in June',
    '- Risks: who pays for the scaffolding?',
    '- Ines will send the schedule by Friday, see https://example.org/schedule',
    '- Write to info@example.org for tickets',
    '- The page https://example.org/schedule has the schedule of the pumps',
    '- Engineering said no',
  );

  it('take people from the list of attendees and from how people act, never from a label', () => {
    assert.equal(notes.format, 'notes');
    assert.deepEqual(
      notes.people.map(({ name }) => name),
      ['Ines Vale', 'Olu Adeyemi', 'Bo'],
    );
  });

  it('give nothing to do to a label', async () => {
    const { actionItems } = await analyse(notes);

    assert.deepEqual(
      actionItems.flatMap(({ owner }) => owner ?? []),
      ['Ines Vale'],
    );
  });

  it('make no topic of those who were there', async () => {
    const lines = [
      'Attendees: Ines Vale, Bo Berg',
      '',
      '- The harbour is closed',
      '- Bo Berg said the attendees like it',
    ];
    const { topics } = await analyse(readLines('# Club', '', ...lines));

    assert.ok(
      topics.every(({ label }) => !/attendees/i.test(label)),
      JSON.stringify(topics),
    );
  });

  it('make no topic of addresses and links', async () => {
    const talk = readLines(
      'mara: the plan is at https://example.org/boat-plan and https://example.org/boat-plan/two',
      'tom: https://example.org/boat-plan is fine, write to info@boats.example',
      'mara: I wrote to info@boats.example and www.boats.example/contact',
      'tom: info@boats.example answers slowly, www.boats.example/contact too',
    );
    for (const read of [notes, talk]) {
      const { topics } = await analyse(read);
      for (const { label, terms } of topics)
        assert.doesNotMatch([label, ...terms].join(' '), /example|https?|www|info|@|\//, label);
    }
  });

  const ACTIONS: Record<string, string[]> = {
    'below a line that heads a list': ['Actions', '- Jo: write the docs by Tuesday'],
    'below that line and a blank one': ['Action items', '', '- Jo: write the docs by Tuesday'],
    'below a line with a colon': ['Action items:', '- Jo: write the docs by Tuesday'],
    'with a check box': ['- [ ] Jo: write the docs by Tuesday'],
    'behind a label': ['Todo: Jo writes the docs by Tuesday'],
    'as what somebody will do': ['- Jo: will write the docs by Tuesday'],
    'in a table': ['## Actions', '', '| Who | What | When |', '|---|---|---|', '| Jo | write the docs | Tuesday |'],
    'in a table without outer bars': [
      ...['## Actions', '', 'What | Who | When', '--- | --- | ---'],
      'write the docs | Jo | Tuesday',
    ],
  };
  for (const [kind, lines] of Object.entries(ACTIONS)) {
    it(`name who does what by when ${kind}, without a list of attendees`, async () => {
      const { actionItems } = await analyse(readLines('# Weekly', '', ...lines));

      assert.deepEqual(
        actionItems.map(({ owner, text, due }) => [owner, text, due]),
        [['Jo', 'write the docs', 'Tuesday']],
      );
    });
  }

  const LISTS: Record<string, string[]> = {
    'with semicolons, last name first': ['Present: Vale, Ines; Adeyemi, Olu; Bo'],
    'as a list below a heading': ['## Attendees', '', '- Vale, Ines', '- Adeyemi, Olu', '- Bo'],
  };
  for (const [kind, lines] of Object.entries(LISTS)) {
    it(`read the attendees ${kind}`, () => {
      const { people } = readLines('# Club', '', ...lines, '', '## Talk', '', 'Ines said that the boats are old.');

      if (kind.startsWith('with'))
        assert.deepEqual(
          people.map(({ name }) => name),
          ['Vale, Ines', 'Adeyemi, Olu', 'Bo'],
        );
      assert.ok(people.some(({ aliases }) => aliases.includes('ines') || aliases.includes('vale')));
    });
  }

  it('are not taken for a talk when their labels come again', () => {
    const talk = readLines(
      'Risks: the pumps',
      'Owner: Bo',
      'Status: open',
      'Risks: the roof',
      'Owner: Ines',
      'Status: done',
    );

    assert.equal(talk.format, 'notes');
  });
});

describe('a talk', () => {
  it('makes no topic of the last name of somebody who is mentioned', async () => {
    const talk = readLines(
      '[10:02] Ines Vale: I vote for the boat house',
      '[10:03] Bo Berg: the boat house is full',
      '[10:04] Ines Vale: @Bo Berg the boat house is free on Monday',
    );

    const { topics } = await analyse(talk);

    assert.ok(
      topics.every(({ label }) => !/berg|vale/i.test(label)),
      JSON.stringify(topics),
    );
  });
});

describe('a format that nobody here reads', () => {
  const TEXTS: Record<string, string> = {
    'a log of times': '09:15|ann|shall we?\n09:16|bo|yes\n09:17|ann|fine then\n',
    HTML: '<html><body><p>Ann: shall we move?</p></body></html>',
    RTF: '{\\rtf1 Ann: shall we move?}',
    'an e-mail': 'Received: from example.org\nFrom: ann@example.org\n\nshall we move the party?',
    'a printed e-mail': 'From: Ann\nTo: Bo\nSubject: the party\nDate: Monday\n\nshall we move the party?',
    'a copy of a chat window': '[23.11. 09:02] Stone, Mara\nhello\n[23.11. 09:03] Berg, Bo\nshall we move?\n',
    'a table': 'one\ttwo\tthree words\nfour\tfive\tsix words\nseven\teight\tnine words',
  };
  for (const [kind, text] of Object.entries(TEXTS)) {
    it(`is said: ${kind}`, () => {
      const talk = parseTranscript(text, 'talk.txt');

      assert.equal(talk.format, 'notes');
      assert.match(noticesOf(talk, 'format').join(), /The format was not understood: this looks like/);
      assert.ok(talk.legibility < 1);
    });
  }

  it('is not seen in notes, prose and an agenda', () => {
    for (const text of [
      'Ann went home. It rained.',
      '# Agenda\n\n- 09:15 start\n- 10:00 lunch\n- 11:00 end',
      'one\ntwo\nthree',
    ])
      assert.deepEqual(noticesOf(parseTranscript(text, 'a.md'), 'format'), [], text);
  });
});
