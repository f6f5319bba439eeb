import { MusterError } from '../domain/errors.ts';
import type { GraphId } from '../domain/ids.ts';

/** A migration was refused or failed. Nothing of it is in the database. */
export class MigrationRefused extends MusterError {
  readonly code = 'migration_refused';
  readonly retryable = false;
  constructor(facts: { migration: string; reason: string; remedy: string }, cause?: unknown) {
    super(`The migration ${facts.migration} was refused: ${facts.reason}. ${facts.remedy}`, facts, { cause });
  }
}

/** The schema in the database is not the one that the migrations made. */
export class SchemaDrift extends MusterError {
  readonly code = 'schema_drift';
  readonly retryable = false;
  constructor(facts: { differences: readonly string[] }) {
    super(
      `The database schema differs from what the migrations made, in ${facts.differences.length} place(s):\n` +
        `${facts.differences.join('\n')}\nUndo the change by hand, or bring it in as a migration.`,
      { differences: facts.differences.join('\n') },
    );
  }
}

/**
 * A unit of work did not commit before its deadline. Whether it committed is unknown when the answer to its COMMIT was
 * lost: repeat it under its idempotency key.
 */
export class TransactionTimedOut extends MusterError {
  readonly code = 'transaction_timed_out';
  readonly retryable = true;
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

/** A task names a graph that is not among the published ones that its tenant may see. */
export class GraphMissing extends MusterError {
  readonly code = 'graph_unknown';
  readonly retryable = false;
  constructor(graphId: GraphId) {
    super(
      `There is no published graph with the id ${graphId} that this tenant may use. ` +
        'Publish it (a worker that hosts it does), then submit again.',
      { graphId },
    );
  }
}

/** A unit of work was begun after its database was closed. */
export class DatabaseClosed extends MusterError {
  readonly code = 'service_unreachable';
  readonly retryable = false;
  constructor() {
    super(
      'The connection to PostgreSQL was closed by this program. Open it again, or finish the work before closing.',
      {
        service: 'postgresql',
      },
    );
  }
}
