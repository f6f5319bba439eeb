import assert from 'node:assert/strict';
import { composeDraft, statementsOf } from '../../agents/channel-digest/report/compose.ts';
import { critique, isSupported } from '../../agents/channel-digest/report/critique.ts';
import { renderReport, sourceText } from '../../agents/channel-digest/report/render.ts';
import { reviseDraft } from '../../agents/channel-digest/report/revise.ts';
import type { Draft, Findings, Statement } from '../../agents/channel-digest/schemas.ts';
import { analyse, sample, talk } from './samples.ts';

describe('composing, reviewing and revising', () => {
  const transcript = sample('standup.txt');
  let findings: Findings;
  let draft: Draft;
  before(async () => {
    findings = await analyse(transcript);
    draft = composeDraft(transcript, findings);
  });
  const codes = (faulty: Draft) => critique(faulty, findings, transcript).reasons.map(({ code }) => code);
  const reviseFully = () => reviseDraft(draft, critique(draft, findings, transcript), findings);

  it('asks for every finding that the draft leaves out', () => {
    const { score, reasons } = critique({ ...draft, statements: draft.statements.slice(0, 1) }, findings, transcript);

    assert.equal(reasons.filter(({ code }) => code === 'missing').length, statementsOf(findings).length);
    assert.equal(score, 0);
  });

  it('finds a statement whose cited lines do not say it', () => {
    const invented: Statement = {
      section: 'decisions',
      text: 'The office moves to Lisbon.',
      claim: 'The office moves to Lisbon',
      lines: [17],
    };

    assert.ok(codes({ ...draft, statements: [...draft.statements, invented] }).includes('unsupported'));
  });

  it('finds a statement without a citation, and one that cites a line that is not there', () => {
    const uncited: Statement = { section: 'summary', text: 'All is well.', claim: 'All is well', lines: [] };
    const beyond: Statement = { section: 'summary', text: 'ok', claim: '', lines: [9_999] };

    assert.ok(codes({ ...draft, statements: [...draft.statements, uncited] }).includes('uncited'));
    assert.equal(isSupported(beyond, sourceText(transcript)), false);
  });

  it('finds a summary sentence that a decision already tells', () => {
    const text = 'mara: “we run the billing migration on Saturday, before the release, with a tested rollback script”';
    const repeated: Statement = { section: 'summary', text, claim: text, lines: [50] };

    assert.ok(codes({ ...draft, statements: [...draft.statements, repeated] }).includes('redundant'));
  });

  it('finds a report too long and names what to drop, never a decision, an action or a question', () => {
    const padding = Array.from({ length: 40 }, (_, at): Statement => {
      return { section: 'mood', text: `${at} ${'word '.repeat(30)}`, claim: '', lines: [1] };
    });
    const { reasons } = critique({ ...draft, statements: [...draft.statements, ...padding] }, findings, transcript);

    const dropped = reasons.filter(({ code }) => code === 'too-long').map(({ statement }) => statement.section);
    assert.ok(dropped.length > 0);
    assert.ok(dropped.every((section) => !['decisions', 'actions', 'questions'].includes(section)));
  });

  it('raises the score by each revision until nothing is left to say', () => {
    const first = critique(draft, findings, transcript);
    const second = critique(reviseFully(), findings, transcript);

    assert.ok(first.score < 0.82);
    assert.deepEqual(second, { score: 1, reasons: [] });
  });

  it('drops what the review calls unsupported', () => {
    const invented: Statement = {
      section: 'decisions',
      text: 'The office moves to Lisbon.',
      claim: 'The office moves to Lisbon',
      lines: [17],
    };
    const faulty = { ...draft, statements: [...draft.statements, invented] };

    const revised = reviseDraft(faulty, critique(faulty, findings, transcript), findings);

    assert.ok(!revised.statements.some(({ text }) => text === invented.text));
  });

  it('cites an existing line behind every statement and quotes all cited lines', () => {
    const report = renderReport(reviseFully(), sourceText(transcript));
    const [body = '', appendix = ''] = report.split('## Cited lines');
    const bullets = body.split('\n').filter((line) => line.startsWith('- '));
    const quoted = new Set([...appendix.matchAll(/^- L(\d+) /gm)].map(([, line]) => line));

    assert.ok(bullets.length > 30);
    for (const bullet of bullets) assert.match(bullet, /\((?:L\d+(?:, )?)+\)$/);
    for (const [, line] of body.matchAll(/\bL(\d+)[,)]/g))
      assert.ok(quoted.has(line), `line ${line} is cited and not quoted`);
  });

  it('says nothing twice and nothing trivial', () => {
    const { statements } = reviseFully();
    const texts = statements.map(({ section, text }) => `${section} ${text}`);

    assert.equal(new Set(texts).size, texts.length);
    for (const { text } of statements) assert.ok(text.split(' ').length >= 3, text);
  });

  it('keeps markup of the source from becoming markup of the report', async () => {
    const hostile = talk('ann: decision: we use <script>alert(1)</script> and [a link](http://x.y) *now*', 'bo: ok');

    const report = renderReport(composeDraft(hostile, await analyse(hostile)), sourceText(hostile));

    assert.ok(!/(?<!\\)<script>/.test(report));
    assert.ok(!/(?<!\\)\[a link/.test(report));
  });
});
