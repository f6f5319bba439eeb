import { setTimeout as pause } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { escapeLiteral } from 'pg';
import { errorMessage, MusterError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { databaseFailure, TransactionTimedOut } from './database-errors.ts';
import { backOffMs, faultOf, isOutOfConnections, isTransient } from './database-faults.ts';
import type { UnitTravel } from './unit-connection.ts';
import type { PoolState, UnitPool } from './unit-pool.ts';

/** Why a unit of work reaches across tenants. Each has its name, so that the server's own records show it too. */
const SYSTEM_PURPOSES = [
  'dispatch',
  'relay',
  'reconcile',
  'retention',
  'publish',
  'inspect',
  'configure',
  'supervise',
  'deliver',
] as const;
export type SystemPurpose = (typeof SYSTEM_PURPOSES)[number];

/** What a unit of work may use. It ends with the unit: keep nothing of it. */
export interface Transaction {
  readonly em: SqlEntityManager;
  /** The tenant whose rows are visible; null where all are. */
  readonly tenant: string | null;
}

/** Muster's tables, reached through units of work only. */
export interface Database {
  /**
   * Runs a unit of work that sees and writes the rows of one tenant (and reads the graphs and agents that every tenant
   * shares). It must be idempotent: see {@link runUnitOfWork}.
   */
  inTenant<Result>(tenant: string, work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  /** Runs a unit of work across tenants, under a name. It must be idempotent too. */
  inSystem<Result>(purpose: SystemPurpose, work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  /**
   * The same for work that is exactly one statement: it travels with begin and commit in one message, a third of the
   * cost. A second statement is refused.
   */
  readonly single: Pick<Database, 'inTenant' | 'inSystem'>;
  pool(): PoolState;
  /** Asks the server for an answer. One attempt, 5 s at most. @throws PostgresqlUnreachable */
  ping(): Promise<void>;
  /** Waits for the units that run, each of which has its deadline, and closes the pool. New units fail. Repeatable. */
  close(): Promise<void>;
}

/** Whose rows a unit of work sees. */
export type Scope = { readonly tenant: string } | { readonly purpose: SystemPurpose };

export interface UnitOfWorkOptions {
  readonly em: SqlEntityManager;
  readonly pool: UnitPool;
  readonly timeoutMs: number;
  readonly log: DatabaseLog | null;
  /** Whether the unit is exactly one statement. */
  readonly single: boolean;
}

/** Hears what callers do not see. The logger of the program fits. */
export interface DatabaseLog {
  warn(facts: JsonObject, message: string): void;
}

/** How much later than the program the server gives up, so that it is the program's deadline that callers see. */
const SERVER_GRACE_MS = 500;

/** More than this many attempts mean that something else is wrong; at the longest back-off they take about 10 s. */
const MAX_ATTEMPTS = 30;

/**
 * Runs a unit of work in one transaction and commits it.
 *
 * The whole unit runs again, on a fresh entity manager, after every transient fault (`faultOf`), until it commits or its
 * deadline passes. Where the answer to a COMMIT was lost nobody knows whether it happened, so the unit must be
 * idempotent: a unique key decides, not the number of times it ran. At the deadline its connection is cut and
 * `TransactionTimedOut` is raised, or what kept the unit from committing: `DatabaseUnavailable`, `DatabaseOverloaded`,
 * `DatabaseReadOnly`. What PostgreSQL refuses of the unit's own writes is `WriteRefused`, at once. Every other error
 * rolls back and is raised as it is.
 */
export async function runUnitOfWork<Result>(
  options: UnitOfWorkOptions,
  scope: Scope,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + options.timeoutMs;
  let before: unknown = null;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runAttempt({ ...options, deadline, attempt }, scope, work);
    } catch (caught) {
      // What failed the earlier attempts says more than that the last one had no time left.
      const error = caught instanceof TransactionTimedOut && before !== null ? before : caught;
      before = error;
      const wait = backOffMs(attempt);
      if (error instanceof MusterError) throw error;
      const fault = faultOf(error);
      const isLast = attempt >= MAX_ATTEMPTS || performance.now() + wait >= deadline;
      if (isLast || !isTransient(fault)) throw databaseFailure(fault, error, { ...options, attempts: attempt });
      if (isOutOfConnections(error)) options.pool.holdSize();
      options.log?.warn(
        { attempt, reason: errorMessage(error) },
        'a database transaction failed with a transient error; retrying',
      );
      await pause(wait);
    }
  }
}

type AttemptOptions = UnitOfWorkOptions & { readonly deadline: number; readonly attempt: number };

function runAttempt<Result>(
  options: AttemptOptions,
  scope: Scope,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  const remainingMs = options.deadline - performance.now();
  const travel = { scope: scopeSql(scope, remainingMs + SERVER_GRACE_MS), single: options.single };
  return underDeadline(options.pool, { ...options, travel, remainingMs }, () => transact(options.em, scope, work));
}

/** What work on one connection is known by, and how long it may take. */
export interface DeadlineFacts {
  readonly travel: UnitTravel;
  readonly timeoutMs: number;
  readonly remainingMs: number;
  readonly attempt: number;
}

/**
 * Runs database work on one connection. When its time is over that connection is cut, so that nothing waits for a server
 * that no longer answers, and `TransactionTimedOut` is raised.
 */
export function underDeadline<Result>(
  pool: UnitPool,
  facts: DeadlineFacts,
  work: () => Promise<Result>,
): Promise<Result> {
  return pool.run(facts.travel, async (unit) => {
    const expired = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => {
        const error = new TransactionTimedOut({ timeoutMs: facts.timeoutMs, attempts: facts.attempt });
        unit.end(error);
        expired.reject(error);
      },
      Math.max(0, facts.remainingMs),
    );
    const running = work();
    // Once the time is over nobody waits for the work any more; its late failure is only the cut connection's.
    running.catch(() => undefined);
    try {
      return await Promise.race([running, expired.promise]);
    } finally {
      clearTimeout(timer);
    }
  });
}

/** The mapper's own `begin` and `commit` also notify subscribers and a log that do not exist, which costs 40 µs. */
async function transact<Result>(
  mapper: SqlEntityManager,
  scope: Scope,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  const em = mapper.fork();
  const transaction = await mapper.getConnection().getClient().startTransaction().execute();
  em.setTransactionContext(transaction);
  try {
    const result = await work({ em, tenant: 'tenant' in scope ? scope.tenant : null });
    await em.flush();
    await transaction.commit().execute();
    return result;
  } catch (error) {
    // On a dead connection the rollback fails too; why the unit failed is what counts.
    await transaction
      .rollback()
      .execute()
      .catch(() => undefined);
    throw error;
  }
}

/**
 * Takes on the role and the tenant, and lets the server give up when the program would, all for this transaction only.
 * Row-level security binds from here on, whatever the login. Without parameters, so that it travels with what begins
 * the transaction.
 */
function scopeSql(scope: Scope, limitMs: number): string {
  const [role, tenant, purpose] =
    'tenant' in scope ? ['muster_app', scope.tenant, 'tenant'] : ['muster_system', '', scope.purpose];
  const limit = Math.ceil(limitMs);
  return [
    `set local role ${role}`,
    `set local app.tenant = ${escapeLiteral(tenant)}`,
    `set local app.purpose = ${escapeLiteral(purpose)}`,
    'set local search_path = muster, public',
    `set local statement_timeout = ${limit}`,
    `set local idle_in_transaction_session_timeout = ${limit}`,
  ].join('; ');
}
