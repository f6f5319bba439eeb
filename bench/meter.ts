import { readdirSync, readFileSync } from 'node:fs';
import { Client } from 'pg';
import type { PrivateStack } from '../test/support/stack.ts';
import type { Finding } from './report.ts';

const METERS = ['statements', 'transactions', 'ms of this process', 'ms of PostgreSQL', 'ms of Temporal'] as const;
/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;
/** Connections of the bench itself, which looks for ends, are not counted. */
const OWN_CONNECTIONS = 'bench';

/**
 * Statements, transactions and processor time for each task. Statements and transactions are counted at the driver of
 * this process; processor time is that of whole processes, with what runs in their background. The servers' time is
 * read on Linux only.
 */
export class UsageMeter {
  readonly #stack: PrivateStack;
  /** What each measured thing has used so far, all its turns together, in the order of the meters. */
  readonly #usage = new Map<string, { tasks: number; totals: readonly number[] }>();
  constructor(stack: PrivateStack) {
    this.#stack = stack;
  }

  /** Adds what is used during some work to the account of a name. One at a time: two would count each other's use. */
  async during<Result>(name: string, tasks: number, work: () => Promise<Result>): Promise<Result> {
    const before = this.#read();
    const result = await work();
    const used = this.#read().map((value, index) => value - (before[index] ?? 0));
    const { tasks: earlier = 0, totals = [] } = this.#usage.get(name) ?? {};
    this.#usage.set(name, { tasks: earlier + tasks, totals: used.map((value, index) => value + (totals[index] ?? 0)) });
    return result;
  }

  findings(): Finding[] {
    return [...this.#usage].flatMap(([name, { tasks, totals }]) =>
      METERS.map((meter, index) => ({ name: `${name}: ${meter} a task`, value: (totals[index] ?? 0) / tasks })).filter(
        ({ value }) => Number.isFinite(value),
      ),
    );
  }

  #read(): number[] {
    const { user, system } = process.cpuUsage();
    const servers = [this.#stack.postgres, this.#stack.temporal].map(({ pid }) => processorMs(pid));
    return [sent.statements, sent.transactions, (user + system) / 1_000, ...servers];
  }
}

const sent = { statements: 0, transactions: 0 };
const query = Client.prototype.query;

// Muster's pool binds the method of the class when it connects, so what it sends comes through here.
Client.prototype.query = function counted(this: Client, ...given: unknown[]) {
  count(this, given[0]);
  return Reflect.apply(query, this, given);
};

function count(client: Client, what: unknown): void {
  const text = typeof what === 'object' && what !== null && 'text' in what ? what.text : what;
  if (typeof text !== 'string' || applicationOf(client) === OWN_CONNECTIONS) return;
  if (text.startsWith('begin')) sent.transactions += 1;
  else if (text !== 'commit' && text !== 'rollback') sent.statements += 1;
}

function applicationOf(client: Client): unknown {
  return 'connectionParameters' in client ? Reflect.get(Object(client.connectionParameters), 'application_name') : null;
}

/** Processor time of a process and of all that it has started; a parent has the time of its children that have ended. */
function processorMs(root: number): number {
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
