import assert from 'node:assert/strict';
import { acceptanceFaults, brokenPaths, idsOfTests, readAcceptance } from './document-gates.ts';
import { assertNone, planted } from './faults.ts';
import { filesEndingIn, readText } from './source-files.ts';

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
});
