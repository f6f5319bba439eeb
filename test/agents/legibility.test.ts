import assert from 'node:assert/strict';
import { channelDigest } from '../../agents/channel-digest/graph.ts';
import { composeDraft } from '../../agents/channel-digest/report/compose.ts';
import { critique } from '../../agents/channel-digest/report/critique.ts';
import { digest as digestSchema } from '../../agents/channel-digest/schemas.ts';
import { colorsFor } from '../../cli/output/output.ts';
import { formatDigest } from '../../cli/start/digest-text.ts';
import { driveGraph } from './drive-graph.ts';
import { analyse, talk } from './samples.ts';

const GERMAN = [
  '[18:02] Ines: Können wir heute entscheiden, wann das Fest am Hafen sein soll?',
  '[18:03] Jörg Müller: Ich bin für Juni, da ist es abends noch lange hell und warm',
  '[18:04] Ines: Gut, dann ist das beschlossen, ich rufe morgen beim Verein an',
];
const ENGLISH = [
  '[18:02] Ines: can we decide today when the party at the harbour will be?',
  '[18:03] Bo: I vote for June, the evenings are long and warm then',
  '[18:04] Ines: decided: the party is in June. I will call the club tomorrow',
];

async function scoreOf(lines: readonly string[]): Promise<number> {
  const transcript = talk(...lines);
  const findings = await analyse(transcript);
  return critique(composeDraft(transcript, findings), findings, transcript).score;
}

/** What the terminal shows of a digest, without colours. */
async function shown(text: string): Promise<string> {
  const { output } = await driveGraph(channelDigest, { text, name: 'talk.txt' });
  return formatDigest(output, colorsFor({ write: () => undefined }));
}

describe('a talk that cannot be read', () => {
  it('gets from the critic what counts of people and messages are worth', async () => {
    assert.equal(await scoreOf(GERMAN), 0.2);
    assert.ok((await scoreOf(ENGLISH)) >= 0.7);
  });

  it('gets more, the more of it is English', async () => {
    const mixed = await scoreOf([...ENGLISH, ...ENGLISH, ...GERMAN]);

    assert.ok(mixed > 0.5 && mixed < 0.95, String(mixed));
  });

  it('is worth less when nobody can tell who spoke', async () => {
    const score = await scoreOf(['09:15|ann|shall we move the party?', '09:16|bo|yes', '09:17|ann|decided: June']);

    assert.ok(score <= 0.6, String(score));
  });

  it('is doubted where it speaks of decisions and tasks and none was found', async () => {
    const doubted = await scoreOf([
      'ann: the deadline was near',
      'bo: they had agreed, so it seems',
      'ann: a nice story',
    ]);
    const idle = await scoreOf(['ann: the river was near', 'bo: they had a boat, so it seems', 'ann: a nice story']);

    assert.deepEqual([doubted, idle], [0.9, 1]);
  });

  it('is not revised in vain, and its report does not say that nothing was decided', async () => {
    const { output, statuses } = await driveGraph(channelDigest, { text: GERMAN.join('\n'), name: 'a.txt' });

    const { report, quality, notices } = digestSchema.parse(output);
    assert.deepEqual([quality.score, quality.revisions, statuses.revise], [0.2, 0, 'skipped']);
    assert.doesNotMatch(report, /No decisions were found\.|no decisions,/);
    assert.match(report, /what came of it was not read/);
    assert.deepEqual(
      notices.map(({ code }) => code),
      ['language'],
    );
  });
});

describe('what the screen says of a digest', () => {
  it('is that decisions, actions and mood are only read in English', async () => {
    const screen = await shown(GERMAN.join('\n'));

    assert.match(screen, /Please note\n.*Decisions, actions, questions and mood are only read in English/);
  });

  it('is that the format was not understood', async () => {
    const screen = await shown('<html><body><p>Ann: shall we move the party?</p></body></html>');

    assert.match(screen, /The format was not understood: this looks like HTML/);
  });

  it('is nothing more where all was read', async () => {
    const screen = await shown(ENGLISH.join('\n'));

    assert.doesNotMatch(screen, /Please note/);
  });

  it('is that models came to no edition, where they were asked', async () => {
    const { output } = await driveGraph(channelDigest, { text: ENGLISH.join('\n'), name: 'talk.txt' });
    const { quality, ...digest } = digestSchema.parse(output);
    const screen = (...reasons: string[]) =>
      formatDigest({ ...digest, quality: { ...quality, reasons } }, colorsFor({ write: () => undefined }));

    assert.match(
      screen('missing: this', 'no-edition: the models came to none'),
      /\n {2}Note: the models came to none\.$/,
    );
    assert.doesNotMatch(screen('missing: this'), /Note/);
  });

  it('has the whole overview, and of notes the entries that name somebody', async () => {
    const notes = '# Weekly\n\n- Ines will call the harbour\n- The harbour told Ines that it is closed\n';

    assert.match(
      await shown(ENGLISH.join('\n')),
      /wrote 3 messages between .*: 1 decision, 1 action item and no open questions\. \[/,
    );
    assert.match(await shown(notes), /Ines {2}named in 2 entries\n/);
  });

  it('keeps the escape sequences of a name off the terminal', async () => {
    const screen = await shown('18:02:11\t From Ann to B\u001b[31mo(Direct Message):\n\tshall we move the party?\n');

    assert.match(screen, /Please note/);
    assert.ok(!screen.includes('\u001b'));
  });
});
