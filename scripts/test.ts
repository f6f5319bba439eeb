import { type ChildProcess, fork, spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bringInServers } from '../test/support/stack.ts';
import { workflowBundlePath } from '../worker/bundle/workflow-bundle.ts';

/** Everything that CI runs: types, lint, tests. Ends with a line `N passed, N failed`. `--fast`: no servers. */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BINARIES = join(ROOT, 'node_modules', '.bin');

/** Tests that run in milliseconds and need no server. */
const FAST_TESTS = [
  'test/domain/**/*.test.ts',
  'test/options/**/*.test.ts',
  'test/agents/**/*.test.ts',
  'test/cli/**/*.test.ts',
  'test/architecture/*.test.ts',
  'test/config.test.ts',
];
/**
 * Files that take minutes, which begin first. Those that wait for timeouts and those that keep processors busy take
 * turns, because they run at the same time.
 */
const LONG_TESTS = [
  'test/system/faults/processes.test.ts',
  'test/system/upgrade/*.test.ts',
  'test/system/health.test.ts',
  'test/system/faults/containers.test.ts',
  'test/worker/wire/*.test.ts',
  'test/system/faults/shared.test.ts',
  'test/system/nemesis/nemesis.test.ts',
  'test/system/faults/*.test.ts',
  'test/system/package.test.ts',
  'test/system/**/*.test.ts',
];
/** Lanes run files at the same time, because tests spend much of it waiting for processes to start and faults to be noticed. */
const LANES = 4;

/** What passed and what did not: a sentence or more for each failure. */
interface Counts {
  passed: number;
  failures: readonly string[];
}

interface Finished {
  exitCode: number;
  output: string;
}

const children = new Set<ChildProcess>();

function run(command: string, args: readonly string[], options: { label?: string } = {}): Promise<Finished> {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: plainEnvironment() });
  return follow(child, options);
}

/** Follows a program to its end and shows its lines as they come, with a label if one is given. */
function follow(child: ChildProcess, options: { label?: string }): Promise<Finished> {
  return new Promise((resolve) => {
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
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('error', (error) => {
      output += error.message;
    });
    child.once('close', (exitCode) => {
      children.delete(child);
      resolve({ exitCode: exitCode ?? 1, output });
    });
  });
}

/** Programs read the last line and the counts, so nothing is coloured. */
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
  process.stdout.write(exitCode === 0 ? 'passed\n' : 'failed\n');
  return exitCode === 0 ? { passed: 1, failures: [] } : { passed: 0, failures: [`${name}\n${output.trimEnd()}`] };
}

function filesOf(patterns: readonly string[]): string[] {
  return globSync([...patterns], { cwd: ROOT, exclude: ['**/fixtures/**'] }).toSorted();
}

/** Does once what all lanes would otherwise do at the same time. */
async function prepareLanes(): Promise<void> {
  await bringInServers((text) => void process.stderr.write(`  set-up: ${text}\n`));
  await workflowBundlePath();
}

async function runAll(): Promise<Counts[]> {
  await prepareLanes();
  const waiting = [...new Set([...LONG_TESTS, 'test/**/*.test.ts'].flatMap((pattern) => filesOf([pattern])))];
  const lanes = Array.from({ length: LANES }, (_, index) => runLane(`${index + 1}: `, waiting));
  const counts = (await Promise.all(lanes)).flat();
  tellSlowest();
  return [...counts, { passed: 0, failures: waiting.map((path) => `${path}\nNo lane was left to run it.`) }];
}

/** Takes one file after another from those that wait. One in which the lane breaks off counts as failed. */
async function runLane(label: string, waiting: string[]): Promise<Counts[]> {
  const lane = fork(join(ROOT, 'scripts/test-lane.ts'), {
    cwd: ROOT,
    env: plainEnvironment(),
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const counts: Counts[] = [];
  let file: string | undefined = 'its set-up';
  let begunAt = performance.now();
  lane.on('message', (message: 'ready' | Counts) => {
    taken.push([file ?? '', (performance.now() - begunAt) / 1_000]);
    begunAt = performance.now();
    if (message !== 'ready') counts.push(message);
    file = waiting.shift();
    lane.send({ path: file === undefined ? null : join(ROOT, file) });
  });
  const { exitCode } = await follow(lane, { label });
  if (exitCode === 0 && file === undefined) return counts;
  return [...counts, brokeOff(`The lane broke off in ${file ?? 'its end'} with status ${exitCode}.`)];
}

/** Seconds that each file took. */
const taken: [file: string, seconds: number][] = [];
const SHOWN_FILES = 30;

function tellSlowest(): void {
  heading('Seconds of the slowest files');
  const slowest = taken.toSorted(([, one], [, other]) => other - one).slice(0, SHOWN_FILES);
  for (const [file, seconds] of slowest) process.stdout.write(`${seconds.toFixed(0).padStart(5)} ${file}\n`);
}

async function runFast(): Promise<Counts[]> {
  const args = ['--disable-warning=ExperimentalWarning', join(BINARIES, 'mocha'), '--extension', 'ts'];
  args.push('--forbid-only', '--timeout', '60000', '--reporter', 'spec', '--no-color', ...filesOf(FAST_TESTS));
  const { exitCode, output } = await run(process.execPath, args, { label: '' });
  const passed = countOf(output, 'passing');
  const failures = Array.from({ length: countOf(output, 'failing') }, (_, index) => `${index + 1}) above`);
  // A run that stopped before its summary, or found no test, must never look like one that passed.
  const stopped = failures.length === 0 && (exitCode !== 0 || passed === 0);
  return [{ passed, failures }, ...(stopped ? [brokeOff(`The tests broke off with status ${exitCode}.`)] : [])];
}

function brokeOff(why: string): Counts {
  return { passed: 0, failures: [why] };
}

function countOf(output: string, word: 'passing' | 'failing'): number {
  const lines = [...output.matchAll(new RegExp(`^ {2}(\\d+) ${word}`, 'gm'))];
  return Number(lines.at(-1)?.[1] ?? 0);
}

async function main(fast: boolean): Promise<void> {
  // The tests keep all processors busy, and the default of four checkers uses half as much processor time again as one.
  const types = run(join(BINARIES, 'tsc'), ['--noEmit', '--checkers', '1']);
  const lint = run(join(BINARIES, 'biome'), ['check', '--error-on-warnings', '.']);
  heading(fast ? 'Tests without servers' : 'Tests, in lanes, each on a private stack of servers');
  const tests = fast ? runFast() : runAll();
  const counts = [...(await tests), await check('Types (tsc)', types), await check('Lint (biome)', lint)];
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failures = counts.flatMap((count) => count.failures);
  // At the end, because what CI keeps of a long run is its end.
  for (const [index, failure] of failures.entries()) process.stdout.write(`\nFailure ${index + 1}: ${failure}\n`);
  process.stdout.write(`\n${passed} passed, ${failures.length} failed\n`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });
}

await main(process.argv.includes('--fast'));
