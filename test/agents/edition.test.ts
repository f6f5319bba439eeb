import assert from 'node:assert/strict';
import { modelFinder } from '../../agents/channel-digest/agents/edition.ts';
import { assembleDraft, leftOut, settleEdition } from '../../agents/channel-digest/edition/assemble.ts';
import { candidatesOf, numbered, talkOf } from '../../agents/channel-digest/edition/brief.ts';
import { parseTranscript } from '../../agents/channel-digest/parsing/parse-transcript.ts';
import type { Findings, Statement, Transcript } from '../../agents/channel-digest/schemas.ts';
import { fakeContext } from './fake-context.ts';
import { plantedTalk } from './long-transcript.ts';
import { analyse, sample } from './samples.ts';

describe('an edition that models make', () => {
  let transcript: Transcript;
  let findings: Findings;
  before(async () => {
    transcript = sample('standup.txt');
    findings = await analyse(transcript);
  });

  it('is asked for wherever the worker has the model digest, or else default', () => {
    const isThere = (...models: string[]) => modelFinder.handle({}, { ...fakeContext(), models });

    assert.deepEqual(
      [isThere(), isThere('other'), isThere('default'), isThere('digest')],
      [{ isThere: false }, { isThere: false }, { isThere: true }, { isThere: true }],
    );
  });

  it('has its models read a short talk whole, line by line', () => {
    const lines = talkOf(transcript, findings).split('\n');

    assert.ok(lines.length >= transcript.utterances.length);
    for (const { line, speaker } of transcript.utterances) {
      assert.ok(
        lines.some((text) => text.startsWith(`${line} ${speaker === null ? '' : `${speaker}: `}`)),
        `line ${line}`,
      );
    }
  });

  it('has its models read of a long talk what the analysts cite, and how much is left out', async () => {
    const long = parseTranscript(plantedTalk(3_000).text, 'talk.txt');
    const found = await analyse(long);
    const cited = found.decisions.flatMap(({ lines }) => lines);

    const talk = talkOf(long, found);

    assert.ok(talk.length <= 60_100, `${talk.length} characters`);
    assert.match(talk, /\n\(\d+ lines are left out here\.\)$/);
    const shown = new Set(talk.split('\n').map((text) => Number.parseInt(text, 10)));
    assert.ok(cited.length > 0 && cited.every((line) => shown.has(line)));
  });

  it('holds the summary and what is kept, in the order of the model, and passes over numbers that are not there', () => {
    const [first, second] = candidatesOf(findings);
    const summary = [{ text: 'It was about the cache.', lines: [9, 3, 9] }];

    const { statements } = assembleDraft({ transcript, findings }, { summary, keep: [2, 1, 2, 999] });

    const kept = statements.filter((statement) => candidatesOf(findings).some(({ text }) => text === statement.text));
    assert.deepEqual(
      kept.map(({ text }) => text),
      [second?.text, first?.text],
    );
    const told = statements.find(({ text }) => text === 'It was about the cache.');
    assert.deepEqual([told?.section, told?.lines], ['summary', [3, 9]]);
  });

  it('says what it leaves out', () => {
    const draft = assembleDraft({ transcript, findings }, { summary: [], keep: [1] });

    assert.equal(leftOut(draft, findings).length, candidatesOf(findings).length - 1);
  });

  it('loses what its critic faults and what the cited lines do not say, whatever score a model gives', () => {
    const invented: Statement = {
      ...{ section: 'summary', text: 'Everybody agreed to buy a submarine.', lines: [1] },
      claim: 'Everybody agreed to buy a submarine.',
    };
    const draft = assembleDraft({ transcript, findings }, { summary: [], keep: [1, 2] });
    const judged = { ...draft, statements: [...draft.statements, invented] };
    const at = numbered(judged.statements).findIndex((text) => text.includes(candidatesOf(findings)[0]?.text ?? ''));

    const settled = settleEdition(
      judged,
      {
        score: 1,
        faults: [
          { statement: at + 1, why: 'trivial' },
          { statement: 999, why: 'nowhere' },
        ],
      },
      transcript,
    );

    const texts = settled.draft.statements.map(({ text }) => text);
    assert.ok(!texts.includes(invented.text) && !texts.includes(candidatesOf(findings)[0]?.text ?? ''));
    assert.equal(texts.length, judged.statements.length - 2);
    const told = judged.statements.filter(({ section }) => section === 'summary').length;
    assert.equal(settled.review.score, Math.round((1 - 1 / told) * 1000) / 1000);
    assert.deepEqual(settled.faults.slice(0, 2), ['trivial', 'nowhere']);
    assert.match(settled.faults[2] ?? '', /do not say: Everybody agreed to buy a submarine/);
  });
});
