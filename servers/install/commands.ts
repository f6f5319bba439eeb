import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { ServerUser } from '../start/processes.ts';

export interface CommandResult {
  /** `null` where the program could not be started or was ended by a signal. */
  exitCode: number | null;
  /** Standard output and standard error, in the order of arrival. */
  output: string;
}

export interface CommandOptions {
  cwd?: string;
  user?: ServerUser | null;
  /** The program is ended after so long. @defaultValue 600000 */
  timeoutMs?: number;
}

/** Runs a program to its end. Never rejects: a program that cannot be started answers with `exitCode` null. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.user === undefined || options.user === null ? {} : options.user),
    });
    // Node's own time-out outlives a program that could not be started, and keeps this process waiting for it.
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 600_000);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const finish = (result: CommandResult) => {
      clearTimeout(timer);
      resolve(result);
    };
    child.once('error', (error) => finish({ exitCode: null, output: error.message }));
    child.once('close', (exitCode) => finish({ exitCode, output: Buffer.concat(chunks).toString('utf8') }));
  });
}

/** The last line that says something, for quoting in an error. */
export function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.findLast((line) => line !== '') ?? '(nothing was printed)';
}

/** Folders of programs that a short PATH often lacks. */
const USUAL_FOLDERS = [
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/opt/homebrew/bin',
];

/** Whether this file is there and may be run. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where a program of this name is, by PATH and then in the usual folders, or `null`. */
export async function findProgram(name: string): Promise<string | null> {
  const asked = await runCommand('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', name], { timeoutMs: 5_000 });
  const path = asked.output.trim();
  if (asked.exitCode === 0 && path.startsWith('/')) return path;
  return USUAL_FOLDERS.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}
