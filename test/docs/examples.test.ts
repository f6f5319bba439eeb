import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesEndingIn, productFiles, ROOT, readText } from '../architecture/source-files.ts';
import { codeBlocks, namedFiles } from './code-blocks.ts';

/** The only place that says what programs import: an example that imports anything else does not compile. */
const { name: PACKAGE_NAME }: { name: string } = JSON.parse(readText('package.json'));

/** The page with a first project, file by file. */
const GUIDE = 'docs/getting-started.md';

/** What the examples speak of and do not define themselves. */
const SETTING = `
import { connect, defineAgent, defineGraph, type Graph, hasErrorCode } from '${PACKAGE_NAME}';
import { runWorker } from '${PACKAGE_NAME}/worker';
declare const greeting: Graph;
`;

describe('what the documentation shows', () => {
  it('compiles: every example of the client and the worker, and every file and program of the documents', function () {
    this.timeout(60_000);
    const folder = mkdtempSync(join(tmpdir(), 'muster-shown-'));
    try {
      const names = writeExamples(folder);
      assert.ok(names.length > 12, `expected the examples of client.ts, found only ${names.join(', ')}`);

      compile(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

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

  it('fits the README into what a reader takes in at one go', () => {
    assert.ok(readText('README.md').split('\n').length <= 151, 'README.md has more than 150 lines');
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

  it('points only at files that are there', () => {
    const broken = filesEndingIn('.md').flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(ROOT, path, '..', target)))
        .map((target) => `${path} points at ${target}`),
    );

    assert.deepEqual(broken, []);
  });

  it('tells of every error what its class says about repeating', () => {
    const classes = productFiles().flatMap(({ text }) => [
      ...text.matchAll(/readonly code = '(\w+)';\s+readonly retryable = (true|false);/g),
    ]);
    const rows = new Map(
      readText('docs/errors.md')
        .split('\n')
        .map((line) => /^\| `(\w+)` +\|.*\| (\w+) +\|$/.exec(line))
        .map((match) => [match?.[1], match?.[2]]),
    );
    const faults = [...new Set(classes.map(([, code]) => code))].flatMap((code) => {
      const values = new Set(classes.filter(([, other]) => other === code).map(([, , retryable]) => retryable));
      const expected = values.size > 1 ? 'sometimes' : values.has('true') ? 'yes' : 'no';
      return rows.get(code) === expected ? [] : [`${code}: expected ${expected}, found ${rows.get(code)}`];
    });

    assert.ok(classes.length > 25, 'expected the classes of errors');
    assert.deepEqual(faults, []);
  });
});

function writeExamples(folder: string): string[] {
  const programs = new Map<string, string>();
  for (const path of ['client.ts', 'worker.ts']) {
    examplesOf(readText(path)).forEach((example, index) => {
      programs.set(`${path.replace('.ts', '')}-${index}.ts`, `${settingOf(path)}${example}\nexport {};\n`);
    });
  }
  for (const page of ['README.md', GUIDE]) for (const [name, text] of namedFiles(page)) programs.set(name, text);
  for (const path of filesEndingIn('.md').map((file) => file.path)) {
    codeBlocks(path)
      .filter(({ language, text }) => language === 'ts' && !text.startsWith('// '))
      .forEach(({ text }, index) => {
        programs.set(`${path.replace(/\W/g, '-')}-${index}.ts`, `${text}\nexport {};\n`);
      });
  }
  for (const [name, text] of programs) writeFileSync(join(folder, name), text);
  return [...programs.keys()];
}

/** Every example but that of `connect` itself may speak of a connected `muster`. */
function settingOf(path: string): string {
  return path === 'client.ts' ? `${SETTING}declare const id: string;\n` : SETTING;
}

function examplesOf(text: string): string[] {
  return [...text.matchAll(/@example\n([\s\S]*?)(?:\n\s*\*\s*\n|\n\s*\* @|\*\/)/g)].map(([, lines = '']) => {
    const code = lines.replace(/^\s*\* ?/gm, '');
    return code.includes('await connect()') ? code : `const muster = await connect();\n${code}`;
  });
}

/** With the settings of the project, except that an example may leave something unused and print to the console. */
function compile(folder: string): void {
  const settings = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noUnusedLocals: false,
      noUnusedParameters: false,
      rootDir: '/',
      paths: { [PACKAGE_NAME]: [join(ROOT, 'index.ts')], [`${PACKAGE_NAME}/worker`]: [join(ROOT, 'worker.ts')] },
    },
    include: ['*.ts'],
    exclude: [],
  };
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  try {
    execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['--project', folder], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    assert.fail(error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error));
  }
}
