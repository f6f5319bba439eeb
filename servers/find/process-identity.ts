import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { sep } from 'node:path';

/** A process, distinguished from a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Opaque; equal for the life of a process, different for any later one with its pid. */
  processStartedAt: string;
}

/** The mark of a process's start, or `null` if it does not run (a zombie counts as gone). */
export function processStartedAt(pid: number): string | null {
  return process.platform === 'linux' ? startedAtFromProc(pid) : startedAtFromPs(pid);
}

function startedAtFromProc(pid: number): string | null {
  try {
    const fields = statFields(pid);
    if (fields[0] === 'Z') return null;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${fields[19]}`;
  } catch {
    return null;
  }
}

/** Linux's fields of a process: state, parent and so on. The name before them may contain spaces and brackets. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/**
 * The same without `/proc`. Always read in one language and time zone: otherwise the mark would change with the
 * reader's settings, or when summer time begins.
 */
export function startedAtFromPs(pid: number): string | null {
  const args = ['LC_ALL=C', 'TZ=UTC0', 'ps', '-o', 'stat=', '-o', 'lstart=', '-p', String(pid)];
  try {
    const [state, ...start] = execFileSync('/usr/bin/env', args, { encoding: 'utf8' }).trim().split(/\s+/);
    return state === undefined || state.startsWith('Z') || start.length === 0 ? null : start.join(' ');
  } catch {
    return null;
  }
}

/** Whether this very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return processStartedAt(identity.pid) === identity.processStartedAt;
}

/** The process names of Muster's servers. */
const SERVER_PROGRAMS = ['postgres', 'redis-server', 'valkey-server', 'temporal'];

/**
 * The processes of servers that work in a folder or below it, no matter who started them; Muster's own servers work in
 * their data folders. Only on Linux, and only of servers that this user may inspect; empty elsewhere.
 */
export function serversIn(folder: string): number[] {
  const servers = processNumbers().flatMap((pid) => serverIn(pid, folder) ?? []);
  // The helpers of a server end with it.
  return servers.filter(({ parent }) => !servers.some(({ pid }) => pid === parent)).map(({ pid }) => pid);
}

function serverIn(pid: number, folder: string): { pid: number; parent: number } | null {
  try {
    const [state, parent] = statFields(pid);
    const program = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    if (state === 'Z' || !SERVER_PROGRAMS.includes(program)) return null;
    const isBelow = `${readlinkSync(`/proc/${pid}/cwd`)}${sep}`.startsWith(`${realpathSync(folder)}${sep}`);
    return isBelow ? { pid, parent: Number(parent) } : null;
  } catch {
    return null;
  }
}

/** The numbers of all processes. Only on Linux; empty elsewhere. */
export function processNumbers(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
