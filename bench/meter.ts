import { readdirSync, readFileSync } from 'node:fs';
import { withPostgresql } from '../servers/probe/probes.ts';
import type { PrivateStack } from '../test/support/stack.ts';
import type { Finding } from './report.ts';
import type { Rival } from './rival.ts';

const METERS = [
  'statements',
  'commits',
  'ms of its process',
  'ms of PostgreSQL',
  'ms of Temporal',
  'bytes in PostgreSQL',
] as const;
/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;

/**
 * What each task costs: statements and commits as the driver of the rival's process sends them, processor time of whole
 * processes with what runs in their background, and the growth of the rival's database with its indexes. The servers'
 * time is read on Linux only.
 */
export class UsageMeter {
  readonly #stack: PrivateStack;
  /** What each measured rival has used so far, all its turns together, in the order of the meters. */
  readonly #usage = new Map<string, { tasks: number; totals: readonly number[] }>();
  constructor(stack: PrivateStack) {
    this.#stack = stack;
  }

  /** Adds what a rival uses during some work to its account. One at a time: two would count each other's use. */
  async during<Result>(rival: Rival, tasks: number, work: () => Promise<Result>): Promise<Result> {
    const before = await this.#read(rival);
    const result = await work();
    const used = (await this.#read(rival)).map((value, index) => value - (before[index] ?? 0));
    const { tasks: earlier = 0, totals = [] } = this.#usage.get(rival.name) ?? {};
    const sums = used.map((value, index) => value + (totals[index] ?? 0));
    this.#usage.set(rival.name, { tasks: earlier + tasks, totals: sums });
    return result;
  }

  /** One figure of a rival, a task. */
  of(rival: Rival, meter: (typeof METERS)[number]): number {
    const { tasks = 0, totals = [] } = this.#usage.get(rival.name) ?? {};
    return (totals[METERS.indexOf(meter)] ?? Number.NaN) / tasks;
  }

  findings(): Finding[] {
    return [...this.#usage].flatMap(([name, { tasks, totals }]) =>
      METERS.map((meter, index) => ({ name: `${name}: ${meter} a task`, value: (totals[index] ?? 0) / tasks })).filter(
        ({ value }) => Number.isFinite(value),
      ),
    );
  }

  async #read(rival: Rival): Promise<number[]> {
    const { statements, commits, processorMs } = await rival.usage();
    const servers = [this.#stack.postgres, this.#stack.temporal].map(({ pid }) => processorMsOf(pid));
    return [statements, commits, processorMs, ...servers, await bytesIn(rival.databaseUrl)];
  }
}

/** All tables of a database with their indexes and long values, without PostgreSQL's own. */
async function bytesIn(databaseUrl: string | null): Promise<number> {
  if (databaseUrl === null) return Number.NaN;
  return withPostgresql(databaseUrl, async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      'select coalesce(sum(pg_total_relation_size(relid)), 0) as bytes from pg_stat_user_tables',
    );
    return Number(rows[0]?.bytes);
  });
}

/** Processor time of a process and of all that it has started; a parent has the time of its children that have ended. */
export function processorMsOf(root: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const processes = new Map(all.map((pid) => [Number(pid), statOf(pid)]));
  const isPart = (pid: number): boolean => pid === root || (pid > 1 && isPart(processes.get(pid)?.parent ?? 0));
  return [...processes].filter(([pid]) => isPart(pid)).reduce((sum, [, { ticks }]) => sum + ticks * TICK_MS, 0);
}

function statOf(pid: string): { parent: number; ticks: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may hold spaces. Then: state, parent, …, own and children's time.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    return { parent: fields[1] ?? 0, ticks: fields.slice(11, 15).reduce((sum, one) => sum + one, 0) };
  } catch {
    // It has ended meanwhile.
    return { parent: 0, ticks: 0 };
  }
}
