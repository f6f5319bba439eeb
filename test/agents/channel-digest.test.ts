import assert from 'node:assert/strict';
import { decisionAnalyst } from '../../agents/channel-digest/agents/analysts.ts';
import { reader } from '../../agents/channel-digest/agents/reader.ts';
import { channelDigest } from '../../agents/channel-digest/graph.ts';
import { type Digest, digest as digestSchema } from '../../agents/channel-digest/schemas.ts';
import { shippedGraphs } from '../../agents/index.ts';
import type { HandlerContext } from '../../domain/agents/handler.ts';
import { isQuick } from '../../domain/graphs/drive-quick.ts';
import { type Driven, driveGraph } from './drive-graph.ts';
import { fakeContext } from './fake-context.ts';
import { plantedTalk } from './long-transcript.ts';
import { GOLD, match, sample, sampleText } from './samples.ts';

async function digestOf(text: string, name = 'talk.txt'): Promise<{ digest: Digest; run: Driven }> {
  const run = await driveGraph(channelDigest, { text, name });
  return { digest: digestSchema.parse(run.output), run };
}

describe('the channel digest', () => {
  it('ships at least seven agents in a graph with fan-out, fan-in and conditions', () => {
    const { nodes } = channelDigest.definition;
    const behindReader = nodes.filter(
      ({ kind, dependsOn }) => kind === 'agent' && dependsOn.length === 1 && dependsOn[0]?.node === 'read',
    );
    const compose = nodes.find(({ id }) => id === 'compose');

    assert.ok(new Set(channelDigest.handlers).size >= 7);
    assert.deepEqual(
      shippedGraphs.map(({ definition }) => definition.name),
      ['channel-digest', 'conversation-turn'],
    );
    assert.equal(behindReader.length, 6);
    assert.equal(compose?.dependsOn.length, 7);
    assert.equal(nodes.filter(({ kind }) => kind === 'condition').length, 4);
  });

  for (const [name, gold] of Object.entries(GOLD)) {
    it(`digests ${name} into a report that holds all that a careful reader finds`, async () => {
      const { digest } = await digestOf(sampleText(name), name);

      assert.match(digest.report, new RegExp(`^# Digest of ${name}\n`));
      assert.equal(digest.decisions.length, gold.decisions.length);
      assert.equal(digest.actionItems.length, gold.actions.length);
      assert.equal(digest.openQuestions.length, gold.openQuestions.length);
      for (const { text } of digest.actionItems) assert.ok(digest.report.includes(text), text);
      assert.ok(digest.quality.score >= 0.82);
      assert.match(digest.reportArtifact, /^report\.md-/);
    });
  }

  it('gives the same report for the same text', async () => {
    const one = await digestOf(sampleText('standup.txt'));
    const other = await digestOf(sampleText('standup.txt'));

    assert.deepEqual(one.digest, other.digest);
  });

  it('publishes a good first draft without a revision', async () => {
    const { digest, run } = await digestOf('ann: decision: we meet on Mondays\nbo: ok\nann: great\nbo: bye');

    assert.equal(digest.quality.revisions, 0);
    assert.equal(run.statuses.revise, 'skipped');
    assert.equal(run.statuses['review-second-revision'], 'skipped');
  });

  it('revises a draft once when that is enough', async () => {
    const { digest, run } = await digestOf(sampleText('standup.txt'));

    assert.equal(digest.quality.revisions, 1);
    assert.equal(run.statuses['revise-again'], 'skipped');
    assert.equal(digest.quality.score, 1);
  });

  it('revises a draft twice when so much was decided that one revision cannot add it', async () => {
    const { digest } = await digestOf(plantedTalk(1_800, 15).text);

    assert.equal(digest.quality.revisions, 2);
  });

  it('C010: makes exactly two revisions when every review scores .5', async () => {
    const handle = () => ({ score: 0.5, reasons: [] });

    const { output, statuses } = await driveGraph(
      channelDigest,
      { text: sampleText('retro.txt') },
      { 'digest-critic': handle },
    );

    assert.equal(digestSchema.parse(output).quality.revisions, 2);
    assert.deepEqual([statuses.revise, statuses['revise-again'], statuses.publish], ['ok', 'ok', 'ok']);
  });

  it('says so when nothing was decided', async () => {
    const { digest } = await digestOf(
      'ann: the weather is lovely in Porto\nbo: it rained here all week\nann: poor you\nbo: yes',
    );

    assert.deepEqual([digest.decisions, digest.actionItems, digest.openQuestions], [[], [], []]);
    assert.match(
      digest.report,
      /No decisions were found\.[\s\S]*No action items were found\.[\s\S]*No open questions were found\./,
    );
  });

  it('gives participants and counts, and claims nothing else, for a text that is not English', async () => {
    const lines = [
      'jan: wir haben gestern den neuen Server eingerichtet',
      'eva: sehr schön, wann läuft die Migration?',
      'jan: morgen Abend um acht, ich schreibe die Anleitung',
      'eva: einverstanden, wir machen das so',
    ];

    const { digest } = await digestOf(lines.map((line, at) => `[10:0${at}] ${line}`).join('\n'));

    assert.deepEqual(
      digest.participants.map(({ name, messages }) => [name, messages]),
      [
        ['jan', 2],
        ['eva', 2],
      ],
    );
    assert.deepEqual([digest.topics, digest.decisions, digest.actionItems, digest.openQuestions], [[], [], [], []]);
    assert.equal(digest.sentiment.mood, 'neutral');
    assert.match(digest.report, /does not read as English/);
  });

  it('finds in a talk of 2,000 lines what was planted', async () => {
    const planted = plantedTalk(2_000);
    const started = performance.now();

    const { digest, run } = await digestOf(planted.text);

    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    const decisions = match(digest.decisions, planted.decisions, ({ lines }, line) => lines.includes(line));
    const actions = match(
      digest.actionItems,
      planted.actions,
      ({ lines, owner }, wanted) => lines.includes(wanted.line) && owner === wanted.owner,
    );
    const questions = match(digest.openQuestions, planted.openQuestions, ({ lines }, line) => lines.includes(line));
    process.stdout.write(`      2,000 lines in ${seconds} s; slowest ${JSON.stringify(slowest(run.times))}\n`);
    for (const { precision, recall } of [decisions, actions, questions])
      assert.ok(precision >= 0.95 && recall >= 0.95, JSON.stringify({ decisions, actions, questions }));
  });

  it('declares no agent quick whose work on a long text needs turns of pace', async () => {
    const { run } = await digestOf(plantedTalk(2_000).text);

    const paced = channelDigest.definition.nodes.filter(({ id }) => (run.beats[id] ?? 0) > 0);

    assert.ok(paced.length > 0, 'expected the analysts to report progress');
    assert.deepEqual(
      paced.filter(isQuick).map(({ id }) => id),
      [],
    );
  });
});

describe('the handlers of the channel digest', () => {
  it('fail on an empty text with a sentence that says what to do', async () => {
    await assert.rejects(
      async () => reader.handle({ text: ' \n ', name: 'a.txt' }, fakeContext()),
      /without a single word.*Hand in a text with content/,
    );
  });

  it('read in stages, between which the worker has its turns', async () => {
    const stopped: HandlerContext = fakeContext('read', AbortSignal.abort());

    await assert.rejects(async () => reader.handle({ text: sampleText('standup.txt'), name: 'a.txt' }, stopped), {
      name: 'AbortError',
    });
  });

  it('beat while they work and stop when they are told to', async () => {
    const context = fakeContext('decisions');
    await decisionAnalyst.handle({ transcript: sample('standup.txt') }, context);
    assert.ok(context.beats.count > 0);

    const stopped: HandlerContext = fakeContext('decisions', AbortSignal.abort());
    await assert.rejects(async () => decisionAnalyst.handle({ transcript: sample('standup.txt') }, stopped), {
      name: 'AbortError',
    });
  });
});

function slowest(times: Driven['times']): Record<string, number> {
  const first = Object.entries(times)
    .sort(([, one], [, other]) => other - one)
    .slice(0, 4);
  return Object.fromEntries(first.map(([node, time]) => [node, time]));
}
