import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ServerUser } from '../start/processes.ts';

export interface CommandResult {
  /** `null` if the program could not be started or was ended by a signal. */
  exitCode: number | null;
  /** Standard output and standard error, in the order of arrival. */
  output: string;
}

export interface CommandOptions {
  cwd?: string;
  user?: ServerUser | null;
  /** The program is ended after this time. @defaultValue 600000 */
  timeoutMs?: number;
}

/** Runs a program to its end. Never rejects: a program that cannot be started answers with `exitCode` null. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { cwd, user, timeoutMs = 600_000 }: CommandOptions = {},
): Promise<CommandResult> {
  const { exitCode, all, originalMessage } = await execa(command, args, {
    ...{ all: true, stdin: 'ignore', stripFinalNewline: false, reject: false },
    ...{ timeout: timeoutMs, killSignal: 'SIGKILL' },
    // A package manager that ends with this process would leave the system broken.
    cleanup: false,
    ...(cwd === undefined ? {} : { cwd }),
    ...(user ?? {}),
  });
  return { exitCode: exitCode ?? null, output: all || (originalMessage ?? '') };
}

/** The last line that is not empty, to quote in an error. */
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

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a program, found on the PATH and then in the usual folders, or `null`. */
export async function findProgram(name: string): Promise<string | null> {
  const asked = await runCommand('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', name], { timeoutMs: 5_000 });
  const path = asked.output.trim();
  if (asked.exitCode === 0 && path.startsWith('/')) return path;
  return USUAL_FOLDERS.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}
