import assert from 'node:assert/strict';
import { findActionItems } from '../../agents/channel-digest/findings/action-items.ts';
import { findDecisions } from '../../agents/channel-digest/findings/decisions.ts';
import { findQuestions } from '../../agents/channel-digest/findings/questions.ts';
import { GOLD, match, read, sample, talk } from './samples.ts';

describe('what the analysts find', () => {
  for (const [name, gold] of Object.entries(GOLD)) {
    it(`finds all decisions of ${name} and nothing else`, async () => {
      const found = await findDecisions(await read(sample(name)));

      const quality = match(found, gold.decisions, ({ lines }, line) => lines.includes(line));
      assert.deepEqual(quality, { precision: 1, recall: 1 }, JSON.stringify(found, null, 1));
    });

    it(`finds all action items of ${name} with their owners and due dates and nothing else`, async () => {
      const found = await findActionItems(await read(sample(name)));

      const quality = match(found, gold.actions, ({ lines, owner, due }, wanted) => {
        return lines.includes(wanted.line) && owner === wanted.owner && due === (wanted.due ?? null);
      });
      assert.deepEqual(quality, { precision: 1, recall: 1 }, JSON.stringify(found, null, 1));
    });

    it(`finds all open questions of ${name} and nothing else`, async () => {
      const { open } = await findQuestions(await read(sample(name)));

      const quality = match(open, gold.openQuestions, ({ lines }, line) => lines.includes(line));
      assert.deepEqual(quality, { precision: 1, recall: 1 }, JSON.stringify(open, null, 1));
    });
  }
});

describe('decisions', () => {
  it('takes a proposal only when somebody else agrees', async () => {
    const refused = await findDecisions(
      await read(
        talk(
          'ann: let us begin',
          "ann: let's paint the office walls green",
          'bo: no way, I disagree',
          'ann: hm',
          'bo: sorry',
        ),
      ),
    );
    const agreed = await findDecisions(
      await read(talk('ann: let us begin', "ann: let's paint the office walls green", 'bo: sounds good', 'ann: fine')),
    );

    assert.deepEqual(refused, []);
    assert.deepEqual(
      agreed.map(({ text, supporters }) => ({ text, supporters })),
      [{ text: 'Paint the office walls green.', supporters: ['bo'] }],
    );
  });

  it('does not take undecided matters, opinions and small talk for decisions', async () => {
    const found = await findDecisions(
      await read(
        talk(
          'ann: we have not decided on the database yet',
          'bo: agreed that it is painful',
          "ann: let's see what the vendor says",
          'bo: ok',
          'ann: if we decided to move the servers we would need a month',
          'bo: so we have two problems with the servers',
        ),
      ),
    );

    assert.deepEqual(found, []);
  });

  it('takes "decided then" with a comma as with a colon', async () => {
    const found = await findDecisions(
      await read(talk('ann: hello there', 'bo: hi', 'ann: Decided then, the boat house if the 21st is free.')),
    );

    assert.equal(found.length, 1);
  });

  it('takes every item under a heading of decisions for one', async () => {
    const items = ['- We move to Postgres', '- Launch the beta on Monday', '- Launch the docs on Monday'];
    for (const heading of ['## Decisions', '# Weekly\n\nDecisions'])
      assert.deepEqual(
        (await findDecisions(await read(talk(heading, '', ...items)))).map(({ text }) => text),
        ['We move to Postgres.', 'Launch the beta on Monday.', 'Launch the docs on Monday.'],
        heading,
      );
    assert.deepEqual(await findDecisions(await read(talk('## Decisions', '', '- None'))), []);
    const alone = await findDecisions(await read(talk('# Notes', '', '## Decisions', '', 'We move to Postgres')));
    assert.equal(alone.length, 1);
  });

  it('keeps the verb of what was proposed as a question', async () => {
    const found = await findDecisions(
      await read(talk('sam: Should we move the release to Tuesday?', "lee: Yes. Let's move the release to Tuesday.")),
    );

    assert.deepEqual(
      found.map(({ text }) => text),
      ['Move the release to Tuesday.'],
    );
  });

  it('marks a decision that a later one replaces', async () => {
    const found = await findDecisions(
      await read(
        talk(
          'ann: decision: we ship the beta on Thursday',
          'bo: ok',
          'ann: wait, the tests fail',
          'bo: hm',
          'ann: change of plan, we agreed to ship the beta on Monday instead',
          'bo: fine',
        ),
      ),
    );

    assert.deepEqual(
      found.map(({ replacedAt }) => replacedAt),
      [5, null],
    );
  });
});

describe('action items', () => {
  const one = async (...lines: string[]) =>
    (await findActionItems(await read(talk('ann: hello there', 'bo: hello ann', ...lines))))[0];

  it('gives "I\'ll do it" to its speaker', async () => {
    const item = await one('ann: who can order the new keyboards?', "bo: I'll do it");

    assert.deepEqual([item?.owner, item?.text, item?.lines], ['bo', 'order the new keyboards', [3, 4]]);
  });

  it('gives a request to the one who was asked, confirmed only by an answer', async () => {
    const agreed = await one('ann: @bo can you renew the certificate by Friday?', 'bo: sure');
    const silent = await one('ann: @bo can you renew the certificate by Friday?', 'ann: never mind the rest');

    assert.deepEqual([agreed?.owner, agreed?.state, agreed?.due], ['bo', 'open', 'Friday']);
    assert.deepEqual([silent?.owner, silent?.state], ['bo', 'unconfirmed']);
  });

  it('passes a declined request on to the one who takes it', async () => {
    const item = await one(
      'ann: @bo can you write the ticket for the outage?',
      "bo: I can't this week",
      'cleo: I can write it',
      'ann: thanks',
    );

    assert.deepEqual([item?.owner, item?.state], ['cleo', 'open']);
  });

  it('takes the due date from the answer to "by when?"', async () => {
    const item = await one("bo: I'll translate the manual", 'ann: by when?', 'bo: next Tuesday');

    assert.equal(item?.due, 'next Tuesday');
  });

  it('notices when an item is done', async () => {
    const item = await one("bo: I'll rotate the staging keys", 'ann: great', 'bo: staging keys are rotated, done');

    assert.equal(item?.state, 'done');
  });

  it('does not take a promise that answers another question for what was asked before', async () => {
    const conversation = await read(
      talk('sam: Who tells marketing?', 'lee: Is the build green?', "sam: no, I'll fix it today"),
    );

    const items = await findActionItems(conversation);
    const { open } = await findQuestions(conversation);
    assert.deepEqual(
      items.map(({ owner, text, due }) => [owner, text, due]),
      [['sam', 'fix the build', 'today']],
    );
    assert.deepEqual(
      open.map(({ text }) => text),
      ['Who tells marketing?'],
    );
  });

  it('takes it for nothing where nobody can say what "it" means', async () => {
    const said = ['sam: Who tells marketing?', 'lee: Is it green now?', "sam: no, I'll fix it today"];

    assert.deepEqual(await findActionItems(await read(talk(...said))), []);
  });

  it('leaves idle promises out', async () => {
    const found = await findActionItems(
      await read(
        talk(
          "ann: I'll be right back",
          "bo: I'll grab a coffee",
          'ann: let me know',
          "bo: I'll see",
          'ann: I can hear you',
          "bo: I'll never understand this",
        ),
      ),
    );

    assert.deepEqual(found, []);
  });
});

describe('open questions', () => {
  const open = async (...lines: string[]) =>
    (await findQuestions(await read(talk('ann: hello there', 'bo: hello ann', ...lines)))).open;

  it('counts a yes, a time, a number and a person as answers', async () => {
    assert.deepEqual(await open('ann: is the office open on Monday?', 'bo: yes, from nine'), []);
    assert.deepEqual(await open('ann: when does the train leave?', 'bo: at 7:40'), []);
    assert.deepEqual(await open('ann: how many seats are left?', 'bo: twelve or 13'), []);
    assert.deepEqual(await open('ann: who has the projector?', 'bo: I have it on my desk'), []);
  });

  it('does not count doubt as an answer and says who could not say', async () => {
    const [question] = await open('ann: does the scanner work on Linux?', 'bo: no idea', 'cleo: not sure either');

    assert.equal(question?.reason, 'bo and cleo could not say');
    assert.deepEqual(question?.lines, [3, 4, 5]);
  });

  it('names the person who did not reply', async () => {
    const [question] = await open(
      'ann: @bo did you receive the parcel from Vienna?',
      'cleo: the lift is broken again',
      'ann: oh dear',
    );

    assert.equal(question?.reason, 'bo did not reply');
  });

  it('keeps "who does it?" open until somebody takes it', async () => {
    const [question] = await open('bo: all fine', 'ann: who tells marketing?');

    assert.equal(question?.reason, 'the talk ended without a reply');
    assert.deepEqual(await open('ann: who tells marketing?', "bo: I'll do it"), []);
    assert.deepEqual(await open('ann: who tells marketing?', 'ann: bo will tell them'), []);
  });

  it('takes requests, proposals, tags and small talk for no questions', async () => {
    assert.deepEqual(
      await open(
        'ann: ready?',
        'bo: how are you?',
        'ann: can you close the window?',
        'bo: we start now, ok?',
        'ann: anything else?',
      ),
      [],
    );
  });
});
