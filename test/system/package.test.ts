import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { filesEndingIn, ROOT } from '../architecture/source-files.ts';
import { codeBlocks, namedFiles } from '../docs/code-blocks.ts';
import { writeExamples } from '../docs/shown-programs.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const run = promisify(execFile);

/** Packing compiles and bundles; installing brings some 200 packages. */
const SET_UP_MS = 300_000;
/** The page with a first project, file by file. */
const GUIDE = 'docs/getting-started.md';
const MAX_PACKED_BYTES = 2_000_000;

describe('the package', () => {
  let folder: string;
  let project: string;
  let packed: string;
  let muster: MusterUnderTest;

  before(async function () {
    this.timeout(SET_UP_MS);
    folder = mkdtempSync(join(tmpdir(), 'muster-package-'));
    project = join(folder, 'project');
    muster = await openMuster('package');
    await inFolder(ROOT, 'npm', ['pack', '--pack-destination', folder]);
    const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
    packed = join(folder, name);
    await installInto(project, packed);
  });

  after(async () => {
    await muster?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a process of the project sees: the stack of the test, and nothing of how this clone runs its sources. */
  function environment(): NodeJS.ProcessEnv {
    const { NODE_OPTIONS: _, MUSTER_TEST_STACK: __, ...others } = process.env;
    const path = `${join(ROOT, 'node_modules', '.bin')}:${others.PATH}`;
    return { ...others, ...muster.environment, PATH: path, NO_COLOR: '1' };
  }

  async function inFolder(cwd: string, command: string, args: readonly string[]) {
    const path = `${join(ROOT, 'node_modules', '.bin')}:${process.env.PATH}`;
    return run(command, args, { cwd, env: { ...process.env, PATH: path }, maxBuffer: 50_000_000 });
  }

  /** An empty project, as `npm init` leaves it, with the package and the schema library of the README. */
  async function installInto(target: string, tarball: string): Promise<void> {
    const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
    mkdirSync(target);
    writeFileSync(join(target, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    await inFolder(target, 'npm', ['install', ...flags, tarball, `zod@${dependencies.zod}`]);
  }

  function program(file: string, ...args: readonly string[]) {
    return run(process.execPath, [file, ...args], { cwd: project, env: environment(), timeout: 60_000 });
  }

  const cli = (...args: readonly string[]) => program(join(project, 'node_modules', '.bin', 'muster'), ...args);

  it('is small, and carries what it needs at run time and no tests or sources', async () => {
    const { stdout } = await run('tar', ['-tzf', packed]);
    const files = stdout.split('\n').map((path) => path.replace(/^package\//, ''));

    assert.ok(statSync(packed).size < MAX_PACKED_BYTES, `the package has ${statSync(packed).size} bytes`);
    const needed = [
      ...['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/index.d.ts', 'dist/worker.d.ts', 'dist/workflow-bundle.js'],
      ...[
        'examples/data/standup.txt',
        'examples/support-triage.ts',
        'examples/package-tracking.yaml',
        'examples/data/support-triage.script.json',
        'dist/servers/install/temporal-cli/bring-in.mjs',
        'dist/servers/install/temporal-cli/go.mod',
        'dist/agents/templates/package-tracking.yaml',
      ],
      ...filesEndingIn('.lua', '.sql').map(({ path }) => `dist/${path}`),
    ];
    assert.deepEqual(
      needed.filter((path) => !files.includes(path)),
      [],
      'missing in the package',
    );
    const unwanted = files.filter((path) =>
      /^(dist\/)?(test|bench|scripts)\/|^(?!examples\/).*(?<!\.d)\.ts$/.test(path),
    );
    assert.deepEqual(unwanted, [], 'not for the package');
  });

  it('shows its commands', async () => {
    const { stdout } = await cli('--help');

    for (const command of ['start', 'up', 'worker', 'submit', 'retention']) assert.match(stdout, new RegExp(command));
  });

  it('runs the program of the README by itself, twice with one answer', async function () {
    this.timeout(SET_UP_MS);
    writeFileSync(join(project, 'hello.ts'), namedFiles('README.md').get('hello.ts') ?? '');

    const first = await program('hello.ts');
    const second = await program('hello.ts');

    assert.equal(first.stdout, "{ text: 'Hello, Ada' }\n");
    assert.equal(second.stdout, first.stdout);
  });

  it('runs the programs of the guide, and type-checks them, in a project of its own', async function () {
    this.timeout(SET_UP_MS);
    for (const [name, text] of namedFiles(GUIDE)) writeFileSync(join(project, name), text);
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(USER_SETTINGS));
    await compile(project);

    const worker = await startWorker(join(project, 'worker.ts'));
    const { stdout } = await program('submit.ts');
    const exit = await stopWorker(worker);

    assert.equal(stdout, shownOutput());
    assert.equal(exit, 0);
  });

  it('compiles every example of the client and the worker, and every program of the documents', async function () {
    this.timeout(SET_UP_MS);
    const shown = join(project, 'shown');
    mkdirSync(shown);
    const { compilerOptions, ...files } = USER_SETTINGS;
    const withNode = { types: ['node'], typeRoots: [join(ROOT, 'node_modules', '@types')] };
    writeFileSync(
      join(shown, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...compilerOptions, ...withNode }, ...files }),
    );

    const names = writeExamples(shown);

    assert.ok(names.length > 12, `expected the examples of client.ts, found only ${names.join(', ')}`);
    await compile(shown);
  });

  for (const where of ['project', 'clone'] as const) {
    it(`lets a clone's command line take the agents of a ${where}, beside what the clone has built`, async function () {
      this.timeout(SET_UP_MS);
      writeFileSync(join(project, 'greeting.ts'), namedFiles(GUIDE).get('greeting.ts') ?? '');
      const module = where === 'project' ? 'greeting.ts' : join(ROOT, 'examples', 'greeting.ts');

      const worker = await startWorker(join(ROOT, 'cli.ts'), 'worker', '--agents', module);
      const { stdout } = await cli('submit', 'greeting', '--param', 'name=Ada', '--wait', '--json');
      const exit = await stopWorker(worker);

      assert.match(stdout, /HELLO, ADA!/);
      assert.equal(exit, 0);
    });
  }

  it('brings examples, which run with one command once they are copied out of it', async function () {
    this.timeout(SET_UP_MS);
    cpSync(join(project, 'node_modules', '@muster-run', 'muster', 'examples'), join(project, 'examples'), {
      recursive: true,
    });

    const script = 'examples/data/research-team.script.json';
    const { stdout } = await cli('run', 'examples/research-team.ts', '--script', script);

    assert.match(stdout, /^How to make green tea\nUse water of 70 to 80 °C/m);
  });

  it('digests its sample with one command', async function () {
    this.timeout(SET_UP_MS);

    const { stdout } = await cli('start');

    assert.match(stdout, /^Summary\n {2}\S/m);
    assert.match(stdout, /^ {2}trace {5}npx muster show [\w-]+$/m);
    const [, report = ''] = /^ {2}report {4}(.+)$/m.exec(stdout) ?? [];
    assert.match(readFileSync(report, 'utf8'), /^# /);
  });

  async function compile(target: string): Promise<void> {
    await run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['--project', target]).catch((error: { stdout?: string }) =>
      assert.fail(error.stdout ?? 'the compiler could not be run'),
    );
  }

  /** What the guide says that submit.ts prints: the text block right after it. */
  function shownOutput(): string {
    const blocks = codeBlocks(GUIDE);
    const at = blocks.findIndex(({ text }) => text.startsWith('// submit.ts'));
    return blocks[at + 1]?.text ?? '';
  }

  async function startWorker(file: string, ...args: readonly string[]): Promise<ChildProcess> {
    const worker = spawn(process.execPath, [file, ...args], {
      cwd: project,
      env: { ...environment(), MUSTER_LOG_LEVEL: 'info' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    worker.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString('utf8');
    });
    const isReady = () => {
      assert.equal(worker.exitCode, null, `the worker ended: ${log}`);
      return log.includes('the worker is ready');
    };
    await eventually(isReady, { withinMs: 30_000, what: 'the start of the worker' });
    return worker;
  }

  async function stopWorker(worker: ChildProcess): Promise<number | null> {
    const closed = once(worker, 'close');
    worker.kill('SIGTERM');
    await closed;
    return worker.exitCode;
  }
});

/** What a project that runs its TypeScript with Node has in its tsconfig.json. */
const USER_SETTINGS = {
  compilerOptions: {
    ...{ strict: true, target: 'esnext', module: 'nodenext', noEmit: true, skipLibCheck: true },
    ...{ allowImportingTsExtensions: true, erasableSyntaxOnly: true, verbatimModuleSyntax: true, types: [] },
    lib: ['esnext', 'dom'],
  },
  include: ['*.ts'],
};
