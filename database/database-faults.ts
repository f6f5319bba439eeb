import { growingWaitMs, halfToAll } from '../domain/waits.ts';

/**
 * What an error of the database means for the caller:
 *
 * - `interrupted`: this transaction lost a race or was stopped; the same one may succeed at once;
 * - `unreachable`: the server or the way to it is missing, restarts, or cannot read its own files;
 * - `overloaded`: the server has no connection, memory or disk left;
 * - `read_only`: the server takes no writes: it is a replica, or was told so;
 * - `login_refused`: the server answers, and not to this user or not with this database;
 * - `unprepared`: a table, column, function or role is missing, or not granted yet: the migrations have not run;
 * - `refused`: what was written is at fault, and not the moment: a value, a constraint, a trigger, a limit of the server.
 */
export type DatabaseFault =
  | ('interrupted' | 'unreachable' | 'overloaded' | 'read_only')
  | ('login_refused' | 'unprepared' | 'refused');

/** By SQLSTATE, the exact one first, then its class. What is not here is a fault of the program. */
const FAULT_OF_STATE: Readonly<Record<string, DatabaseFault>> = {
  // A prepared statement that no longer fits: its connection is given up, see `unit-connection.ts`.
  '0A000': 'interrupted',
  '26000': 'interrupted',
  // A role that is not there, then rights, columns, other objects, tables and the schema.
  '22023': 'unprepared',
  '42501': 'unprepared',
  '42703': 'unprepared',
  '42704': 'unprepared',
  '42P01': 'unprepared',
  '3F000': 'unprepared',
  '25006': 'read_only',
  '25P03': 'unreachable',
  '25P04': 'unreachable',
  '55P03': 'interrupted',
  '57014': 'interrupted',
  '3D000': 'login_refused',
};
const FAULT_OF_CLASS: Readonly<Record<string, DatabaseFault>> = {
  '08': 'unreachable',
  '22': 'refused',
  '23': 'refused',
  '28': 'login_refused',
  '40': 'interrupted',
  '44': 'refused',
  '53': 'overloaded',
  '54': 'refused',
  '57': 'unreachable',
  '58': 'unreachable',
  P0: 'refused',
};

/** Failures of the connection itself, as the network and the system name them. */
const NETWORK_CODES = new Set([
  ...['ECONNABORTED', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTCONN', 'ESHUTDOWN'],
  ...['EHOSTDOWN', 'EHOSTUNREACH', 'ENETDOWN', 'ENETRESET', 'ENETUNREACH'],
  ...['EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'ENODATA', 'ENOTFOUND', 'ESERVFAIL'],
  ...['EADDRINUSE', 'EADDRNOTAVAIL', 'EAGAIN', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'],
]);
/** Broken and late connections for which the driver has a text only. */
const BROKEN_CONNECTION =
  /Connection terminated|Client was closed|connection error and is not queryable|Client has encountered|timeout exceeded when trying to connect/i;

/** How deep causes are looked through. */
const MAX_DEPTH = 5;

/** What an error of the database, or the first known one among its causes, means; null for any other error. */
export function faultOf(error: unknown): DatabaseFault | null {
  for (const one of chainOf(error)) {
    const fault = faultOfCode(codeOf(one), one);
    if (fault !== null) return fault;
    if (BROKEN_CONNECTION.test(one.message)) return 'unreachable';
  }
  return null;
}

/** An error and its causes. A connection that was tried on several addresses fails with a list instead of a cause. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && chain.length < MAX_DEPTH; ) {
    chain.push(at);
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
  return chain;
}

function faultOfCode(code: string, error: Error): DatabaseFault | null {
  if (NETWORK_CODES.has(code)) return 'unreachable';
  // The socket of a local server that does not run.
  if (code === 'ENOENT' && 'syscall' in error && error.syscall === 'connect') return 'unreachable';
  if (!/^[0-9A-Z]{5}$/.test(code)) return null;
  return FAULT_OF_STATE[code] ?? FAULT_OF_CLASS[code.slice(0, 2)] ?? null;
}

const TRANSIENT: ReadonlySet<DatabaseFault | null> = new Set(['interrupted', 'unreachable', 'overloaded', 'read_only']);

/** Whether running the whole unit of work again can succeed, although nothing of it changes. */
export function isTransient(fault: DatabaseFault | null): boolean {
  return TRANSIENT.has(fault);
}

/** Whether what was written is at fault, and not the moment or the connection. */
export function isDataFault(error: unknown): boolean {
  return faultOf(error) === 'refused';
}

/**
 * Whether the server itself answered, and did not say that the moment or a value is at fault: damaged data (class XX), or a
 * column that is missing, which may be in the trigger of one row only.
 */
export function isUnknownAnswer(error: unknown): boolean {
  const answered = (one: Error) => 'severity' in one && /^[0-9A-Z]{5}$/.test(codeOf(one));
  const fault = faultOf(error);
  return (fault === null || fault === 'unprepared') && chainOf(error).some(answered);
}

/** The server gives no further connection: to anybody, to this role, or to this database. */
export function isOutOfConnections(error: unknown): boolean {
  return chainOf(error).some((one) => codeOf(one) === '53300');
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/**
 * How long to wait before an attempt, in milliseconds: doubling from 20 up to 400, each time half to all of it, so
 * that many units that failed together do not come back together.
 */
export function backOffMs(attempt: number, random: () => number = Math.random): number {
  return halfToAll(growingWaitMs({ firstMs: 20, mostMs: 400 }, attempt), random());
}
