import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bareEnvironment } from '../support/bare-environment.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Keeps out the profiles that lie in the home folder. */
const NO_FILE = join(ROOT, 'no-temporal.toml');

/** How a command ended. */
export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What it reads on standard input. @defaultValue nothing */
  readonly stdin?: string | Uint8Array;
}

/** A command that runs. */
export interface RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<CliResult>;
  /** What it has printed so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** The environment of a command, without any configuration of this process. */
export function cliEnvironment({ environment }: Pick<CliOptions, 'environment'>): Record<string, string> {
  return { ...bareEnvironment(), MUSTER_NO_INSTALL: '1', TEMPORAL_CONFIG_FILE: NO_FILE, ...environment };
}

/** Starts the real command line in a process of its own. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const flags = ['--disable-warning=ExperimentalWarning', join(ROOT, 'cli.ts')];
  const child = spawn(process.execPath, [...flags, ...args], {
    cwd: options.cwd ?? ROOT,
    env: cliEnvironment(options),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A command that refuses its arguments has ended before it reads what it is given.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const ended = once(child, 'close').then(([exitCode]) => ({ exitCode: exitCode as number | null, stdout, stderr }));
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).ended;
}

/** The values that a command printed with `--json`, one a line. */
export function jsonLines(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
