import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, type ProcessIdentity, processStartedAt } from '../find/process-identity.ts';

/** The user that a server runs as. */
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
 * Returns at once; a missing program or a refused user shows as a process that is already gone.
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

/** Sends a signal to this very process; returns false where it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    return false;
  }
}

/** Waits until the process is gone; false where it still runs after `timeoutMs`. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await pause(20);
  }
  return true;
}

/**
 * Ends a process: `signal` first, SIGKILL where it still runs after `graceMs`. Resolves when it is gone; false where
 * even SIGKILL did not end it within five seconds. A process that is already gone counts as ended.
 */
export async function endProcess(identity: ProcessIdentity, signal: NodeJS.Signals, graceMs: number): Promise<boolean> {
  if (!signalProcess(identity, signal)) return true;
  if (await waitUntilGone(identity, graceMs)) return true;
  signalProcess(identity, 'SIGKILL');
  return waitUntilGone(identity, 5_000);
}
