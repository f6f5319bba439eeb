import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, type ProcessIdentity, processStartedAt } from '../find/process-identity.ts';
import { LockUnreadable, SetUpLocked } from '../server-errors.ts';

export interface LockOptions {
  path: string;
  /** Gives up after this time. */
  timeoutMs: number;
  /** Called once, when another process is found to hold the lock. */
  onWait: (holder: ProcessIdentity) => void;
}

/**
 * Runs `work` while no other process of this machine does so under the same path. A lock whose holder died, or that
 * names no process, is taken over. Throws SetUpLocked after `timeoutMs`, and LockUnreadable. Not re-entrant.
 */
export async function withLock<T>(options: LockOptions, work: () => Promise<T>): Promise<T> {
  await acquire(options);
  try {
    return await work();
  } finally {
    rmSync(options.path, { force: true });
  }
}

async function acquire({ path, timeoutMs, onWait }: LockOptions): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const startedAt = Date.now();
  let told = false;
  while (!tryAcquire(path)) {
    const found = readLock(path);
    if (found === null || (!isHeld(found) && removeStale(path, found))) continue;
    const pid = found.holder?.pid ?? null;
    if (!told && found.holder !== null) onWait(found.holder);
    told ||= found.holder !== null;
    const waitedMs = Date.now() - startedAt;
    if (waitedMs > timeoutMs) throw new SetUpLocked({ lock: path, pid, waitedMs });
    await pause(100);
  }
}

/** Linking a finished file makes the lock appear with its holder in it: no reader ever sees a partial file. */
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

interface FoundLock {
  text: string;
  /** `null` if the text names no process, which only a power cut or another program can cause. */
  holder: ProcessIdentity | null;
}

/** `null` if the lock was released meanwhile. */
function readLock(path: string): FoundLock | null {
  const text = readText(path);
  return text === null ? null : { text, holder: parseHolder(text) };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new LockUnreadable(path, error);
  }
}

function parseHolder(text: string): ProcessIdentity | null {
  try {
    const holder: unknown = JSON.parse(text);
    if (typeof holder !== 'object' || holder === null) return null;
    if (!('pid' in holder) || !('processStartedAt' in holder)) return null;
    return { pid: Number(holder.pid), processStartedAt: String(holder.processStartedAt) };
  } catch {
    return null;
  }
}

function isHeld({ holder }: FoundLock): boolean {
  return holder !== null && isAlive(holder);
}

/**
 * Removes a stale lock; returns whether the caller may try again at once. If two waiters found it stale, the slower one
 * would remove the faster one's new lock; so removing needs a guard, held for two file operations, and checks again
 * first.
 */
function removeStale(path: string, stale: FoundLock): boolean {
  const guard = `${path}.takeover`;
  if (!tryAcquire(guard)) {
    forgetAbandoned(guard);
    return false;
  }
  try {
    if (readText(path) === stale.text) rmSync(path, { force: true });
    return true;
  } finally {
    rmSync(guard, { force: true });
  }
}

/** A guard exists for two file operations, so one that is seconds old, or from the future, was left behind. */
function forgetAbandoned(guard: string): void {
  const found = statSync(guard, { throwIfNoEntry: false });
  if (found !== undefined && Math.abs(Date.now() - found.mtimeMs) > 2_000) rmSync(guard, { force: true });
}
