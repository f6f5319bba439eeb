import { readFileSync } from 'node:fs';
import type { Client } from 'pg';

/** What a process counts of itself, from its start on. */
export interface Usage {
  /** Sent to PostgreSQL, without those that begin and end transactions. */
  readonly statements: number;
  /** Transactions begun, and statements outside any: as often a commit waits for the disk. */
  readonly commits: number;
  /** Processor time of all its threads. */
  readonly processorMs: number;
}

/** Connections of the bench itself, which looks for ends, are not counted. */
export const OWN_CONNECTIONS = 'bench';

/** Counts what the clients of a driver send from now on; each copy of the driver has a class of its own. */
export function countUsage(driver: { readonly prototype: Client }): () => Usage {
  const sent = { statements: 0, commits: 0 };
  const open = new WeakSet<Client>();
  const { query } = driver.prototype;
  const count = (client: Client, text: string): void => {
    const isOpen = open.has(client);
    const begins = /^\s*begin/i.test(text);
    const ends = /(commit|rollback);?\s*$/i.test(text);
    if (begins || !(isOpen || ends)) sent.commits += 1;
    if (!begins && !ends) sent.statements += 1;
    if (begins && !ends) open.add(client);
    if (ends) open.delete(client);
  };
  // Pools bind the method of the class when they connect, so what they send comes through here.
  driver.prototype.query = function counted(this: Client, ...given: unknown[]) {
    const [what] = given;
    const text = typeof what === 'object' && what !== null && 'text' in what ? what.text : what;
    if (typeof text === 'string' && applicationOf(this) !== OWN_CONNECTIONS) count(this, text);
    return Reflect.apply(query, this, given);
  };
  return () => {
    const { user, system } = process.cpuUsage();
    return { ...sent, processorMs: (user + system) / 1_000 };
  };
}

function applicationOf(client: Client): unknown {
  return 'connectionParameters' in client ? Reflect.get(Object(client.connectionParameters), 'application_name') : null;
}

/** The largest resident set that a process ever had, as Linux counts it; NaN elsewhere. */
export function peakMegabytes(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return kilobytes === undefined ? Number.NaN : Number(kilobytes) / 1024;
}
