/**
 * Serialisation failure and deadlock; the server is going down, coming up or was told to end the session; a prepared
 * statement that no longer fits, see `unit-client.ts`.
 */
const RETRYABLE_STATES = new Set(['40001', '40P01', '57P01', '57P02', '57P03', '0A000', '26000']);
/** Failures of the connection itself, as the network and the driver name them. */
const RETRYABLE_CODES = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);
const BROKEN_CONNECTION =
  /Connection terminated|Client was closed|connection error and is not queryable|Client has encountered/i;

/**
 * Whether running the whole unit of work again can succeed: a lost race (40001, 40P01), a server that restarts
 * (57P01–57P03), a connection that broke (class 08, a broken socket). Looks through the causes.
 */
export function isRetryable(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const code = 'code' in at && typeof at.code === 'string' ? at.code : '';
    if (RETRYABLE_STATES.has(code) || RETRYABLE_CODES.has(code) || /^08.{3}$/.test(code)) return true;
    if (BROKEN_CONNECTION.test(at.message)) return true;
  }
  return false;
}

/**
 * Whether what was written is at fault, and not the moment or the connection: a value that PostgreSQL does not take (22),
 * a constraint (23), a limit of the server such as the depth of JSON (54).
 */
export function isDataFault(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  return /^(?:22|23|54)...$/.test(code);
}

/**
 * How long to wait before an attempt, in milliseconds: doubling from 10 up to 400, each time a random part of it, so
 * that many units that failed together do not come back together.
 */
export function backOffMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(400, 10 * 2 ** Math.min(attempt, 10));
  return ceiling * (0.5 + random() / 2);
}
