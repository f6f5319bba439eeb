import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, type ProcessIdentity, processStartedAt } from '../find/process-identity.ts';
import type { ProgramSource } from '../services.ts';

export interface ServerUser {
  uid: number;
  gid: number;
}

export interface LaunchOptions {
  command: string;
  args: readonly string[];
  logPath: string;
  cwd: string;
  user: ServerUser | null;
}

/**
 * Starts a server that outlives this process: its own session, no standard input, its output appended to `logPath`.
 * Returns at once; if the program is missing or the user is refused, the process is already gone.
 */
export function launch(options: LaunchOptions): { child: ChildProcess; identity: ProcessIdentity } {
  const log = openSync(options.logPath, 'a', 0o644);
  try {
    const child = spawn(options.command, options.args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: options.cwd,
      ...(options.user === null ? {} : options.user),
    });
    child.on('error', () => undefined);
    child.unref();
    const pid = child.pid ?? 0;
    return { child, identity: { pid, processStartedAt: processStartedAt(pid) ?? 'gone' } };
  } finally {
    closeSync(log);
  }
}

/** Sends a signal to exactly this process; returns false if it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    return false;
  }
}

/** Waits until the process is gone; false if it still runs after `timeoutMs`. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await pause(20);
  }
  return true;
}

/**
 * Ends a process: `signal` first, SIGKILL if it still runs after `graceMs`. Resolves when it is gone; false if even
 * SIGKILL did not end it within five seconds. A process that is already gone counts as ended.
 */
export async function endProcess(identity: ProcessIdentity, signal: NodeJS.Signals, graceMs: number): Promise<boolean> {
  if (!signalProcess(identity, signal)) return true;
  if (await waitUntilGone(identity, graceMs)) return true;
  signalProcess(identity, 'SIGKILL');
  return waitUntilGone(identity, 5_000);
}

/** A program that was found on this machine or installed. */
export interface ServiceProgram {
  /** The server's executable. */
  path: string;
  source: ProgramSource;
  version: string;
}

/** A server process just started; it may not answer yet. */
export interface LaunchedServer {
  child: ChildProcess;
  identity: ProcessIdentity;
}

/** The launch parameters of any server. */
export interface LaunchPlan {
  program: ServiceProgram;
  port: number;
  logPath: string;
  /** The folder of the data, which is also the working folder of the process. */
  dataFolder: string;
  user: ServerUser | null;
}
