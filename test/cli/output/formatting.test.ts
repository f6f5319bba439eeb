import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import colors from 'picocolors';
import {
  formatDuration,
  formatOutput,
  formatSpan,
  formatTable,
  plain,
  plainLines,
  shorten,
} from '../../../cli/output/formatting.ts';
import { reportName, reportPath, webUiAddress } from '../../../cli/start/start-command.ts';
import { NodeProgress } from '../../../cli/tasks/wait-for-task.ts';

const none = colors.createColors(false);

describe('what the terminal shows', () => {
  it('is aligned in columns', () => {
    const table = formatTable(
      [
        { name: 'a', rows: 12, x: '' },
        { name: 'longer', rows: 3, x: 'y' },
      ],
      [
        { title: 'name', of: ({ name }) => name },
        { title: 'rows', of: ({ rows }) => String(rows), align: 'right' },
        { title: 'x', of: ({ x }) => x },
      ],
      none,
    );

    assert.equal(table, 'name    rows  x\na         12\nlonger     3  y');
  });

  it('never lets a text of a stranger steer the terminal', () => {
    assert.equal(plain('a\u001b[31mb\nc\u202Ed'), 'a [31mb c d');
    assert.equal(plainLines('a\u001b[2J\r\n\tb\u0007'), 'a [2J\n\tb');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(plain(text), /\p{Cc}/u);
        assert.doesNotMatch(plainLines(text), /[^\P{Cc}\t\n]/u);
      }),
    );
  });

  it('is cut by characters, with a sign that something is missing', () => {
    assert.equal(shorten('déjà vu', 7), 'déjà vu');
    assert.equal(shorten('👋👋👋', 2), '👋…');
  });

  it('says durations in the units that matter', () => {
    const cases: [number, string][] = [
      [0, '0 ms'],
      [999, '999 ms'],
      [1_200, '1.2 s'],
      [65_000, '1 min 5 s'],
      [3_600_000, '1 h 0 min'],
      [90_000_000, '1 d 1 h'],
    ];
    for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
    assert.equal(formatSpan(null, null), '');
    assert.equal(formatSpan(new Date(0), null, new Date(500)), '500 ms so far');
  });

  it('shows no more of an output than fits, and says where the rest is', () => {
    const lines = formatOutput({ list: Array.from({ length: 100 }, (_, index) => index) }, 'see there').split('\n');

    assert.equal(lines.length, 25);
    assert.equal(lines.at(-1), '… 80 more lines; see there');
    assert.equal(formatOutput('one\ntwo', ''), 'one\ntwo');
  });

  it('tells of each node once, when it has ended, with its time', () => {
    const progress = new NodeProgress(none);
    const event = (type: 'run.started' | 'run.completed' | 'run.failed', ms: number) => ({
      ...{
        seq: 1,
        cursor: '1',
        type,
        traceId: 't',
        node: 'read',
        path: 'read',
        data: { message: 'no\u001b luck' },
        at: new Date(ms),
      },
    });

    assert.equal(progress.line(event('run.started', 0)), null);
    assert.match(progress.line(event('run.completed', 40)) ?? '', /done +read +40 ms$/);
    assert.match(progress.line(event('run.failed', 50)) ?? '', /failed +read +no {2}luck$/);
  });

  it('names the report after the document, whatever that is called', () => {
    assert.equal(reportName('standup.txt'), 'standup.digest.md');
    assert.equal(reportName('stdin'), 'stdin.digest.md');
    assert.equal(reportName('.hidden'), 'hidden.digest.md');
    assert.equal(reportName('a b/../c'), 'c.digest.md');
    assert.equal(reportName(''), 'text.digest.md');
  });

  it('leaves the report of another document alone and writes over that of the same one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-report-'));
    try {
      await writeFile(join(folder, 'talk.digest.md'), '# Digest of talk.json\n\nolder\n');
      const [other, same] = await Promise.all(
        ['talk.txt', 'talk.json'].map((name) => reportPath(folder, { name, report: `# Digest of ${name}\n` })),
      );

      assert.equal(other, join(folder, 'talk.txt.digest.md'));
      assert.equal(same, join(folder, 'talk.digest.md'));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('links to the execution in the Web UI', () => {
    assert.equal(
      webUiAddress('http://127.0.0.1:8233/', 'default', 'task/1/1'),
      'http://127.0.0.1:8233/namespaces/default/workflows/task%2F1%2F1',
    );
    assert.equal(webUiAddress(null, 'default', 'task/1/1'), null);
  });
});
