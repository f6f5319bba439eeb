import assert from 'node:assert/strict';
import {
  acceptanceFaults,
  brokenPaths,
  idsOfTests,
  longCells,
  longPages,
  readAcceptance,
  wayFaults,
} from './document-gates.ts';
import { assertNone, planted } from './faults.ts';
import { fileAt, filesEndingIn, readText } from './source-files.ts';
import { oddPhrases } from './word-gates.ts';

const tests = filesEndingIn('.test.ts').filter(({ path }) => !path.startsWith('test/architecture/'));
const documents = filesEndingIn('.md');

describe('the documents', () => {
  it('have a promise for every id in a title, and a test for every promise', () => {
    const ids = idsOfTests(tests);
    const promised = readAcceptance(readText('docs/acceptance.md'));

    assert.ok(ids.size > 70, `expected the ids of the tests, found ${ids.size}`);
    assertNone(acceptanceFaults(promised, ids));
  });

  it('are found out where an id, a promise or its test is missing', () => {
    const found = idsOfTests([
      planted(
        'test/a.test.ts',
        "describe('C300: this', () => {",
        "  it('C301, A9: does that', () => undefined);",
        '});',
      ),
    ]);
    const promised = readAcceptance(
      [
        '| C300 | It does this. | [a.test.ts](../test/a.test.ts) |',
        '| C302 | It does more. | [a.test.ts](../test/a.test.ts) |',
        '| C300 | Again.        | [a.test.ts](../test/a.test.ts) |',
      ].join('\n'),
    );

    const faults = acceptanceFaults(promised, found);

    assert.deepEqual([...found.keys()], ['C300', 'C301', 'A9']);
    assert.deepEqual(
      faults.map((fault) => /\b(C30\d|A9)\b/.exec(fault)?.[1]),
      ['C301', 'A9', 'C302', 'C300'],
    );
  });

  it('name paths that are there; decisions, which are not rewritten, in their links', () => {
    const broken = planted(
      'docs/x.md',
      'See [this](gone.md), `domain/gone.ts`, `domain/tasks/` and [that](errors.md).',
    );

    assert.deepEqual(brokenPaths(broken, true).length, 2);
    // What changed is named as it was.
    const living = documents.filter(({ path }) => path !== 'CHANGELOG.md');
    assertNone(living.flatMap((file) => brokenPaths(file, !file.path.startsWith('docs/decisions/'))));
  });

  it('are short where a newcomer begins, in the cells of tables, and on the way of a task', () => {
    const long = planted('README.md', ...Array<string>(151).fill('word'));
    const wide = planted('docs/x.md', `| short | ${'word '.repeat(80)} |`);

    assert.deepEqual([longPages([long]).length, longCells(wide).length], [1, 1]);
    assert.deepEqual([wayFaults('1. `a.ts`: this\n3. `b.ts`: that').length, wayFaults('').length], [1, 1]);
    assertNone(longPages([fileAt('README.md'), fileAt('docs/architecture.md')]));
    assertNone(documents.filter(({ path }) => path !== 'CHANGELOG.md').flatMap(longCells));
    assertNone(wayFaults(readText('docs/architecture.md')));
  });

  it('say in plain words what they say, as comments, messages and titles of tests do', () => {
    const odd = planted('redis/x.ts', '/** Redis is away, and work goes on. */', '// There is no task of this name.');
    // Decisions and changes are not rewritten; talks to digest are as people wrote them.
    const others = ['docs/decisions/', 'CHANGELOG.md', 'test/agents/', 'test/architecture/', 'bench/'];
    const texts = filesEndingIn('.ts', '.mjs', '.lua', '.md').filter(
      ({ path }) => !others.some((other) => path.startsWith(other)),
    );

    assert.equal(oddPhrases(odd).length, 2);
    assertNone(texts.flatMap(oddPhrases));
  });
});
