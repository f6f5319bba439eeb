import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPrivateStack } from '../test/support/stack.ts';

/** Everything that CI runs: types, lint, tests. Ends with a line `N passed, N failed`. `--fast`: no servers. */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BINARIES = join(ROOT, 'node_modules', '.bin');

/** What runs in milliseconds with no server. */
const FAST_TESTS = [
  'test/domain/**/*.test.ts',
  'test/options/**/*.test.ts',
  'test/agents/**/*.test.ts',
  'test/cli/**/*.test.ts',
  'test/architecture/*.test.ts',
  'test/config.test.ts',
];
/**
 * All tests, in lanes that run side by side, each with servers of its own: most of their time they wait for a process to
 * start or for a fault to be noticed. A file is in the first lane that names it.
 */
const LANES = {
  faults: ['test/system/{faults,nemesis}/**/*.test.ts', 'test/system/health.test.ts', 'test/worker/**/*.test.ts'],
  system: ['test/system/**/*.test.ts'],
  parts: ['test/**/*.test.ts'],
} as const;
type Lane = keyof typeof LANES;

interface Counts {
  passed: number;
  failed: number;
}

interface Finished {
  exitCode: number;
  output: string;
}

const children = new Set<ReturnType<typeof spawn>>();

/** Runs a program to its end; shows its lines as they come, after a label, where one is given. */
function run(command: string, args: readonly string[], options: { label?: string } = {}): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: plainEnvironment() });
    children.add(child);
    let output = '';
    let shown = 0;
    const take = (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (options.label === undefined) return;
      const end = output.lastIndexOf('\n') + 1;
      process.stdout.write(output.slice(shown, end).replace(/^(?=.)/gm, options.label));
      shown = end;
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', (error) => {
      output += error.message;
    });
    child.once('close', (exitCode) => {
      children.delete(child);
      resolve({ exitCode: exitCode ?? 1, output });
    });
  });
}

/** The closing line is read by programs, and so are the counts, so nothing is coloured. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, ...others } = process.env;
  return { ...others, NO_COLOR: '1' };
}

function heading(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

/** A check without tests of its own counts as one. */
async function check(name: string, work: Promise<Finished>): Promise<Counts> {
  const { exitCode, output } = await work;
  heading(name);
  process.stdout.write(exitCode === 0 ? 'passed\n' : `${output.trimEnd()}\nfailed\n`);
  return exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function filesOf(patterns: readonly string[]): string[] {
  return globSync([...patterns], { cwd: ROOT, exclude: ['**/fixtures/**'] }).toSorted();
}

/** The files of each lane. */
function lanes(): Map<Lane, string[]> {
  const taken = new Set<string>();
  const found = new Map<Lane, string[]>();
  for (const lane of Object.keys(LANES) as Lane[]) {
    const files = filesOf(LANES[lane]).filter((file) => !taken.has(file));
    for (const file of files) taken.add(file);
    found.set(lane, files);
  }
  return found;
}

/** Brings in what is missing of the servers once, so that the lanes do not all install it at the same time. */
async function prepareServers(): Promise<void> {
  const announce = (text: string) => void process.stderr.write(`  set-up: ${text}\n`);
  const stack = await startPrivateStack({ announce });
  await stack.close();
}

async function runAll(): Promise<Counts[]> {
  await prepareServers();
  const setUp = ['--require', join(ROOT, 'test/support/global-setup.ts')];
  return Promise.all([...lanes()].map(([lane, files]) => runMocha(files, { label: `${lane}: `, more: setUp })));
}

async function runMocha(
  files: readonly string[],
  { label, more }: { label: string; more: readonly string[] },
): Promise<Counts> {
  const mocha = join(BINARIES, 'mocha');
  const args = ['--disable-warning=ExperimentalWarning', mocha, '--extension', 'ts'];
  args.push('--forbid-only', '--timeout', '60000', '--reporter', 'spec', '--no-color', ...more);
  const { exitCode, output } = await run(process.execPath, [...args, ...files], { label });
  const passed = countOf(output, 'passing');
  const failed = countOf(output, 'failing');
  // A run that broke off before its summary, or found no test, must never look like one that passed.
  const brokeOff = failed === 0 && (exitCode !== 0 || passed === 0);
  return { passed, failed: brokeOff ? 1 : failed };
}

function countOf(output: string, word: 'passing' | 'failing'): number {
  const lines = [...output.matchAll(new RegExp(`^ {2}(\\d+) ${word}`, 'gm'))];
  return Number(lines.at(-1)?.[1] ?? 0);
}

async function main(fast: boolean): Promise<void> {
  const types = run(join(BINARIES, 'tsc'), ['--noEmit']);
  const lint = run(join(BINARIES, 'biome'), ['check', '--error-on-warnings', '.']);
  heading(fast ? 'Tests without servers' : 'Tests, in lanes, each on a private stack of servers');
  const tests = fast ? Promise.all([runMocha(filesOf(FAST_TESTS), { label: '', more: [] })]) : runAll();
  const counts = [...(await tests), await check('Types (tsc)', types), await check('Lint (biome)', lint)];
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });
}

await main(process.argv.includes('--fast'));
