import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SetUpLocked } from './errors.ts';
import { isAlive, type ProcessIdentity, processStartedAt } from './processes.ts';

export interface LockOptions {
  path: string;
  /** Gives up after so long. */
  timeoutMs: number;
  /** Called once, when another process is found to hold the lock. */
  onWait: (holder: ProcessIdentity) => void;
}

/**
 * Runs `work` while no other process of this machine that uses the same path does. A lock whose holder died is taken
 * over. Throws SetUpLocked after `timeoutMs`. Not re-entrant.
 */
export async function withLock<T>(options: LockOptions, work: () => Promise<T>): Promise<T> {
  await acquire(options);
  try {
    return await work();
  } finally {
    rmSync(options.path, { force: true });
  }
}

async function acquire(options: LockOptions): Promise<void> {
  mkdirSync(dirname(options.path), { recursive: true });
  const startedAt = Date.now();
  let told = false;
  while (!tryAcquire(options.path)) {
    const holder = readHolder(options.path);
    if (holder !== null && !isAlive(holder)) removeStale(options.path, holder);
    else if (holder !== null) {
      if (!told) options.onWait(holder);
      told = true;
      const waitedMs = Date.now() - startedAt;
      if (waitedMs > options.timeoutMs) throw new SetUpLocked({ lock: options.path, pid: holder.pid, waitedMs });
      await pause(100);
    }
  }
}

/** Linking a finished file makes the lock appear with its holder written in it: no reader ever sees it empty. */
function tryAcquire(path: string): boolean {
  const draft = `${path}.${process.pid}`;
  const holder: ProcessIdentity = { pid: process.pid, processStartedAt: processStartedAt(process.pid) ?? '' };
  writeFileSync(draft, JSON.stringify(holder));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function readHolder(path: string): ProcessIdentity | null {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof holder !== 'object' || holder === null) return null;
    if (!('pid' in holder) || !('processStartedAt' in holder)) return null;
    return { pid: Number(holder.pid), processStartedAt: String(holder.processStartedAt) };
  } catch {
    return null;
  }
}

/**
 * Removes the lock of a dead holder. Two waiters could both see it dead, and the slower one would remove the faster
 * one's fresh lock; so removing needs a lock of its own, held for two file operations, and looks again first.
 */
function removeStale(path: string, dead: ProcessIdentity): void {
  const guard = `${path}.takeover`;
  if (!tryAcquire(guard)) {
    forgetAbandoned(guard);
    return;
  }
  try {
    const holder = readHolder(path);
    if (holder?.pid === dead.pid && holder.processStartedAt === dead.processStartedAt) rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

function forgetAbandoned(guard: string): void {
  try {
    if (Date.now() - statSync(guard).mtimeMs > 10_000) rmSync(guard, { force: true });
  } catch {
    // Its holder has just removed it.
  }
}
