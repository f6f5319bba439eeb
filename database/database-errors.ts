import { errorClause, MusterError } from '../domain/errors.ts';
import type { GraphId } from '../domain/ids.ts';
import type { DatabaseFault } from './database-faults.ts';

/** A migration was refused or failed. Nothing of it is in the database. */
export class MigrationRefused extends MusterError {
  readonly code = 'migration_refused';
  constructor(facts: { migration: string; reason: string; remedy: string }, cause?: unknown) {
    super(`The migration ${facts.migration} was refused: ${facts.reason}. ${facts.remedy}`, facts, { cause });
  }
}

/** The schema in the database is not the one that the migrations left. */
export class SchemaDrift extends MusterError {
  readonly code = 'schema_drift';
  constructor(facts: { differences: readonly string[] }) {
    super(
      `The database schema differs from what the migrations left, in ${facts.differences.length} place(s):\n` +
        `${facts.differences.join('\n')}\nUndo the change manually, or add it as a migration.`,
      { differences: facts.differences.join('\n') },
    );
  }
}

/** The database is older than this version of Muster. Nothing was changed. */
export class MigrationsMissing extends MusterError {
  readonly code = 'schema_drift';
  constructor(missing: readonly string[]) {
    super(
      `The database schema is not ready: ${missing.length} migration(s) are not applied, from ${missing[0]} on. ` +
        'Run `muster up`, or `muster migrate` where the services are your own.',
      { missing: missing.join(', ') },
    );
  }
}

/**
 * A unit of work did not commit before its deadline. Whether it committed is unknown when the answer to its COMMIT was
 * lost: repeat it under its idempotency key.
 */
export class TransactionTimedOut extends MusterError {
  readonly code = 'transaction_timed_out';
  override readonly retryable = true;
  constructor(facts: { timeoutMs: number; attempts: number }, cause?: unknown) {
    const last = cause instanceof Error ? ` The last attempt failed with: ${cause.message}.` : '';
    super(
      `The database transaction did not finish within ${facts.timeoutMs} ms (${facts.attempts} attempt(s)).${last} ` +
        'Check that PostgreSQL answers and is not overloaded, then try again.',
      facts,
      { cause },
    );
  }
}

/** PostgreSQL could not be reached, or refused the login, until a unit of work had to end. */
class DatabaseUnavailable extends MusterError {
  readonly code = 'service_unreachable';
  override readonly retryable = true;
  constructor(attempts: number, cause: unknown) {
    super(
      `PostgreSQL could not be used (${attempts} attempt(s)): ${reasonOf(cause)}. ` +
        '`muster status` says whether it runs; running work may have been written, so repeat it under its key.',
      { service: 'postgresql', attempts },
      { cause },
    );
  }
}

/** PostgreSQL had no connection, memory or disk left until a unit of work had to end. */
class DatabaseOverloaded extends MusterError {
  readonly code = 'database_overloaded';
  override readonly retryable = true;
  constructor(attempts: number, cause: unknown) {
    super(
      `PostgreSQL has no room left (${attempts} attempt(s)): ${reasonOf(cause)}. ` +
        'Give it more; MUSTER_DATABASE_POOL sets how many connections each process takes. Then try again.',
      { attempts },
      { cause },
    );
  }
}

/** PostgreSQL took no writes until a unit of work had to end. */
class DatabaseReadOnly extends MusterError {
  readonly code = 'database_read_only';
  override readonly retryable = true;
  constructor(attempts: number, cause: unknown) {
    super(
      `PostgreSQL takes no writes (${attempts} attempt(s)): ${reasonOf(cause)}. ` +
        'Set MUSTER_DATABASE_URL to the primary server, or end the read-only mode; then try again.',
      { attempts },
      { cause },
    );
  }
}

/** PostgreSQL refused what a unit of work wrote: a value, a constraint or a trigger. Nothing was written. */
export class WriteRefused extends MusterError {
  readonly code = 'write_refused';
  /** The table whose rule refused it; null where the server does not say. */
  readonly table: string | null;
  readonly sqlState: string;
  constructor(cause: unknown) {
    const refusal = refusedRow(cause);
    const where = refusal.table === null ? '' : ` in ${refusal.table}`;
    super(
      `PostgreSQL refused what was written${where}: ${reasonOf(cause)}. Correct what the sentence names.`,
      refusal,
      {
        cause,
      },
    );
    this.table = refusal.table;
    this.sqlState = refusal.sqlState;
  }
}

/** The error with which work ends that met this fault at last; the fault itself where it is the program's. */
export function databaseFailure(
  fault: DatabaseFault | null,
  error: unknown,
  { timeoutMs, attempts }: { readonly timeoutMs: number; readonly attempts: number },
): unknown {
  switch (fault) {
    case 'interrupted':
      return new TransactionTimedOut({ timeoutMs, attempts }, error);
    case 'unreachable':
    case 'login_refused':
      return new DatabaseUnavailable(attempts, error);
    case 'overloaded':
      return new DatabaseOverloaded(attempts, error);
    case 'read_only':
      return new DatabaseReadOnly(attempts, error);
    case 'refused':
      return new WriteRefused(error);
    case 'unprepared':
    case null:
      return error;
  }
}

function refusedRow(error: unknown) {
  const fields: Readonly<Record<string, unknown>> = error instanceof Error ? { ...error } : {};
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : null);
  return { sqlState: text('code') ?? '', table: text('table'), constraint: text('constraint') };
}

/** A task names a graph that is not among the published ones that its tenant may see. */
export class GraphMissing extends MusterError {
  readonly code = 'graph_unknown';
  constructor(graphId: GraphId) {
    super(
      `There is no published graph with the id ${graphId} that this tenant may use. ` +
        'Publish it (a worker that hosts it does), then submit again.',
      { graphId },
    );
  }
}

/** PostgreSQL does not answer, or not to this user. */
export class PostgresqlUnreachable extends MusterError {
  readonly code = 'service_unreachable';
  override readonly retryable = true;
  constructor(url: string, cause: unknown) {
    const { host, pathname } = new URL(url);
    super(
      `PostgreSQL at ${host}${pathname} does not answer: ${reasonOf(cause)}. Repair that server, or correct its address ` +
        'where you set it (MUSTER_DATABASE_URL or, for migrations, MUSTER_DATABASE_OWNER_URL); ' +
        '`muster status` shows whose it is and what to do.',
      { service: 'postgresql', address: host },
      { cause },
    );
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof TransactionTimedOut) return `no answer came within ${error.facts.timeoutMs} ms`;
  return errorClause(error);
}

/** A unit of work was begun after its database was closed. */
export class DatabaseClosed extends MusterError {
  readonly code = 'service_unreachable';
  constructor() {
    super(
      'The connection to PostgreSQL was closed by this program. Open it again, or finish the work before closing.',
      {
        service: 'postgresql',
      },
    );
  }
}
