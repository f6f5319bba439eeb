import assert from 'node:assert/strict';
import { filesEndingIn, productFiles, readText } from '../architecture/source-files.ts';
import { codeBlocks, namedFiles } from './code-blocks.ts';

/** The page with a first project, file by file. */
const GUIDE = 'docs/getting-started.md';

describe('what the documentation shows', () => {
  it('has an example for every method of the client', () => {
    const lines = readText('client.ts').split('\n');
    const faults = lines.flatMap((line, index) => {
      const name = /^(?:export async function| {2}(?:async )?)(?: )?(\w+)\(.*\{$/.exec(line)?.[1];
      if (name === undefined || name === 'constructor') return [];
      const comment = lines.slice(0, index).join('\n').split('/**').at(-1) ?? '';
      return comment.includes('@example') ? [] : [name];
    });

    assert.deepEqual(faults, [], 'methods without an example');
  });

  it('is in the guide what examples/ holds', () => {
    assert.equal(namedFiles(GUIDE).get('greeting.ts'), readText('examples/greeting.ts'));
  });

  it('closes in every program what it connects, so that a program that is copied ends', () => {
    const programs = filesEndingIn('.md').flatMap(({ path }) =>
      codeBlocks(path).flatMap(({ language, text }) => {
        const name = language === 'ts' ? /const (\w+) = await connect(?:Agent)?\(/.exec(text)?.[1] : undefined;
        return name === undefined ? [] : [{ path, closes: text.includes(`await ${name}.close()`), text }];
      }),
    );

    assert.ok(programs.length > 5, 'expected the programs of the documents');
    assert.deepEqual(
      programs.filter(({ closes }) => !closes),
      [],
    );
  });

  it('tells of every error what its class says about repeating', () => {
    const classes = productFiles().flatMap(({ text }) => [
      ...text.matchAll(/extends MusterError \{\s+readonly code = '(\w+)';(\s+override readonly retryable = true;)?/g),
    ]);
    const rows = new Map(
      readText('docs/errors.md')
        .split('\n')
        .map((line) => /^\| `(\w+)` +\|.*\| (\w+) +\|$/.exec(line))
        .map((match) => [match?.[1], match?.[2]]),
    );
    const faults = [...new Set(classes.map(([, code]) => code))].flatMap((code) => {
      const values = new Set(
        classes.filter(([, other]) => other === code).map(([, , retryable]) => Boolean(retryable)),
      );
      const expected = values.size > 1 ? 'sometimes' : values.has(true) ? 'yes' : 'no';
      return rows.get(code) === expected ? [] : [`${code}: expected ${expected}, found ${rows.get(code)}`];
    });

    assert.ok(classes.length > 25, 'expected the classes of errors');
    assert.deepEqual(faults, []);
  });
});
