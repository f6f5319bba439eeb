import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CONFIG_KEYS } from '../config.ts';
import { ERROR_CODES } from '../domain/errors.ts';
import { borderFault, IMPORT_TABLE, roomOf } from './architecture/import-table.ts';
import { findCycles, type Import, importsOf } from './architecture/imports.ts';
import { filesEndingIn, productFiles, ROOT, readText, type SourceFile } from './architecture/source-files.ts';

/** Fails with every fault on a line of its own. */
function assertNone(faults: readonly string[]): void {
  assert.equal(faults.length, 0, `\n${faults.join('\n')}`);
}

const product = productFiles();
const imports = product.flatMap(importsOf);

describe('the import table', () => {
  it('is kept by every import of the product', () => {
    assert.ok(imports.length > 500, `expected the product's imports, found ${imports.length}`);

    assertNone(imports.map(borderFault).filter((fault) => fault !== null));
  });

  it('names only rooms that are there', () => {
    const gone = Object.keys(IMPORT_TABLE).filter((room) => !existsSync(join(ROOT, room)));

    assertNone(gone.map((room) => `${room} stands in the import table and is not there.`));
  });

  it('lets tests, benchmarks, scripts and examples be imported by nobody but themselves', () => {
    const inner = imports.filter(({ isOurs, target }) => isOurs && /^(test|bench|scripts|examples)\//.test(target));

    assertNone(inner.map(({ from, line, target }) => `${from}:${line} imports ${target}, which no package carries.`));
  });

  it('keeps one activity from calling another', () => {
    const activities = importsOf(file('activities/index.ts')).filter(({ target }) => target.includes('/', 11));
    const registered = new Set(activities.map(({ target }) => target));
    const calls = imports.filter(
      ({ from, target, typeOnly }) => registered.has(target) && from !== 'activities/index.ts' && !typeOnly,
    );

    assert.ok(registered.size >= 4, 'expected the register of activities');
    assertNone(
      calls.map(({ from, line, target }) => `${from}:${line} imports the activity ${target}; workflows call it.`),
    );
  });

  it('takes only files that are there, and packages that package.json names', () => {
    const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(readText('package.json'));

    assertNone(imports.flatMap((found) => missingTarget(found, dependencies)));
  });

  it("keeps Temporal's worker library, which is slow to load, out of clients and quick commands", () => {
    const light = [
      'index.ts',
      'client.ts',
      'servers/start/start-services.ts',
      'servers/probe/doctor.ts',
      'worker/wire/prepare-installation.ts',
    ];
    const loaded = filesLoadedBy(light);

    assert.ok(loaded.has('temporal/connect.ts'), 'expected what a client loads');
    const heavy = imports.filter(
      ({ from, target, typeOnly }) => target === '@temporalio/worker' && !typeOnly && loaded.has(from),
    );
    assertNone(heavy.map(({ from, line }) => `${from}:${line} imports @temporalio/worker, and a client loads it.`));
  });

  it('keeps what installs, starts and probes servers out of clients and workers', () => {
    const loaded = filesLoadedBy(['index.ts', 'client.ts', 'worker.ts']);
    // A worker keeps the logs short of servers that run; where there is no /proc, `ps` tells processes apart.
    const allowed = new Set(['servers/start/logs.ts', 'servers/find/process-identity.ts']);
    const bringing = [...loaded].filter((path) => /^servers\/(install|start|probe)\//.test(path));
    const spawning = imports.filter(
      ({ from, target }) => loaded.has(from) && ['node:child_process', 'execa'].includes(target),
    );

    assert.ok(loaded.has('servers/find/find-connections.ts'), 'expected what finds the servers');
    const found = new Set([...bringing, ...spawning.map(({ from }) => from)]).difference(allowed);
    assertNone(
      [...found].map((path) => `${path} installs, starts or probes servers, and a client or a worker loads it.`),
    );
  });

  it('makes no ring of imports, types included', () => {
    // The client parses its options into the types of the methods that take them.
    const judged = imports.filter(({ isOurs, from }) => isOurs && !from.startsWith('client/'));

    assertNone(findCycles(judged).map((ring) => `These files import each other: ${ring.join(' → ')}.`));
  });

  it('has no two files of one name, but for registers and operations, which their folder names', () => {
    const named = product.filter(({ path }) => !path.endsWith('/index.ts') && !/^operations\/[^/]+\/[^/]+$/.test(path));
    const byName = Map.groupBy(named, ({ path }) => basename(path));

    const twins = [...byName].filter(([, files]) => files.length > 1);
    assertNone(twins.map(([name, files]) => `${name} names ${files.map(({ path }) => path).join(' and ')}.`));
  });

  it('is read from every form of import', () => {
    const text = [
      "import a from './a.ts';",
      "import { type B, c } from './b.ts';",
      "import { type D } from './d.ts';",
      "import type { E } from 'e';",
      "export {\n  type F,\n} from './f.ts';",
      "export * from './g.ts';",
      "import './h.ts';",
      "const i = await import('./i.ts');",
      "// import './no.ts';",
      " * import './no.ts';",
      'export const from = 1;',
    ].join('\n');

    const found = importsOf({ path: 'room/x.ts', text });

    assert.deepEqual(
      found.map(({ target, typeOnly }) => [target, typeOnly]),
      [
        ['room/a.ts', false],
        ['room/b.ts', false],
        ['room/d.ts', true],
        ['e', true],
        ['room/f.ts', true],
        ['room/g.ts', false],
        ['room/h.ts', false],
        ['room/i.ts', false],
      ],
    );
  });
});

describe('the registers', () => {
  it('hold every workflow, and nothing else', () => {
    const workflows = product
      .filter(({ path }) => /^workflows\/.+\/.+\.ts$/.test(path))
      .flatMap(({ text }) => matchAll(text, /^export async function (\w+)\(/gm));
    const registered = matchAll(file('workflows/index.ts').text, /^export \{ (\w+) \} from/gm);

    assert.deepEqual(registered.toSorted(), workflows.toSorted(), 'workflows/index.ts against workflows/**');
  });

  it('give every workflow and every activity a name of its own', () => {
    const workflows = matchAll(file('workflows/index.ts').text, /^export \{ (\w+) \} from/gm);
    const activities = matchAll(file('activities/index.ts').text, /^ {4}(\w+): \(input/gm);
    const names = [...workflows, ...activities];

    assert.ok(activities.length >= 4, 'expected the register of activities');
    const twice = names.filter((name, index) => names.indexOf(name) !== index);
    assertNone(twice.map((name) => `${name} names two things; logs and the Web UI could not tell them apart.`));
  });

  it('have a row in docs/errors.md for every error code, and a code for every row', () => {
    const rows = matchAll(readText('docs/errors.md'), /^\| `(\w+)` +\|/gm);

    assert.deepEqual(rows.toSorted(), ERROR_CODES.toSorted(), 'docs/errors.md against domain/errors.ts');
  });

  it('have a line in .env.example for every configuration key, and a key for every line', () => {
    const lines = matchAll(readText('.env.example'), /^#?([A-Z][A-Z_]+)=/gm);

    assert.deepEqual(lines.toSorted(), CONFIG_KEYS.toSorted(), '.env.example against config.ts');
  });
});

describe('the code', () => {
  it('reads the environment in config.ts alone', () => {
    const readers = product.filter(({ path, text }) => path !== 'config.ts' && /\bprocess\.env\b/.test(text));

    assertNone(
      readers.map(({ path }) => `${path} reads process.env; take it from the configuration that config.ts made.`),
    );
  });

  it('derives every error from MusterError', () => {
    // The fault of a terminal's user and Ctrl-C exist in one process only; agents/ is written as a user's code.
    const exempt = new Set(['WrongUsage', 'Interrupted', 'MusterError']);
    const faults = product
      .filter(({ path }) => roomOf(path) !== 'agents/')
      .flatMap(({ path, text }) =>
        matchAll(text, /class (\w+) extends \w*Error\b(?<!MusterError)/g)
          .filter((name) => !exempt.has(name))
          .map((name) => `${path}: ${name} does not extend MusterError, so it has no code that survives a process.`),
      );

    assertNone(faults);
  });

  it('keeps every file within 300 lines, and every script of Redis within 60', () => {
    const long = [
      ...filesEndingIn('.ts', '.mjs', '.sql').filter(({ text }) => lineCount(text) > 300),
      ...filesEndingIn('.lua').filter(({ text }) => lineCount(text) > 60),
    ];

    assertNone(long.map(({ path, text }) => `${path} has ${lineCount(text)} lines; split it by what it speaks of.`));
  });

  it('keeps every function within 60 lines', () => {
    assertNone(product.flatMap(longFunctions));
  });

  it('leaves nothing for later, and nothing of the machine it was written on', () => {
    const texts = filesEndingIn('.ts', '.mjs', '.sql', '.lua', '.md', '.json', '.yaml', '.example', '.txt', 'run');
    const unwanted: readonly [RegExp, string][] = [
      [/\bTO[D]O\b|\bFI[X]ME\b/, 'a note to do something later'],
      [/\bregistry\.(npmjs|yarnpkg)\.|\bproxy\.golang\.|\bpypi\.org\b/, 'the host of a package registry'],
      [/(^|[\s"'`(=])\/(work|root|Users|home)\/\w/m, 'a path of one machine'],
    ];
    const faults = texts.flatMap(({ path, text }) =>
      unwanted.filter(([pattern]) => pattern.test(text)).map(([, what]) => `${path} holds ${what}.`),
    );

    assertNone(faults);
  });
});

function file(path: string): SourceFile {
  return { path, text: readText(path) };
}

function matchAll(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

function lineCount(text: string): number {
  return text.split('\n').length - 1;
}

function missingTarget(found: Import, dependencies: Readonly<Record<string, string>>): string[] {
  const { from, line, target, isOurs } = found;
  if (isOurs) return existsSync(join(ROOT, target)) ? [] : [`${from}:${line} imports ${target}, which is not there.`];
  if (target.startsWith('node:')) return [];
  const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
  if (dependencies[name] !== undefined) return [];
  return [`${from}:${line} imports ${target}; name ${name} among the dependencies of package.json.`];
}

/** These files and all that they import at run time, directly or not. */
function filesLoadedBy(files: readonly string[]): Set<string> {
  const loaded = new Set(files);
  // A set is walked in the order of insertion, those inserted on the way included.
  for (const path of loaded) {
    const next = imports.filter(({ from, isOurs, typeOnly }) => from === path && isOurs && !typeOnly);
    for (const { target } of next) loaded.add(target);
  }
  return loaded;
}

/** Functions at the start of a line and methods of classes, from their head to the brace that closes them. */
function longFunctions({ path, text }: SourceFile): string[] {
  const lines = text.split('\n');
  return lines.flatMap((head, start) => {
    const method = /^ {2}(?:static |async |get |set |\*)*#?\w+\(.*\{$/.test(head);
    if (!method && !/^(?:export )?(?:async )?function\b/.test(head)) return [];
    const end = lines.indexOf(method ? '  }' : '}', start);
    const length = end - start + 1;
    return length > 60 ? [`${path}:${start + 1} begins a function of ${length} lines; 60 is the most.`] : [];
  });
}
