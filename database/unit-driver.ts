import { type DatabaseConnection, PostgresDialect, PostgresDriver } from 'kysely';
import type { UnitPool } from './unit-pool.ts';

/**
 * The mapper's way to the database, below every query builder. A connection is given to units of work only, and no
 * transaction begins without its scope, whatever words begin it.
 */
class UnitDriver extends PostgresDriver {
  readonly #pool: UnitPool;

  constructor(pool: UnitPool) {
    super({ pool });
    this.#pool = pool;
  }

  override async beginTransaction(...[connection, settings]: Parameters<PostgresDriver['beginTransaction']>) {
    this.#pool.connection.expectBegin();
    await super.beginTransaction(connection, settings);
  }

  override async commitTransaction(_connection: DatabaseConnection): Promise<void> {
    await this.#pool.connection.end('commit');
  }

  override async rollbackTransaction(_connection: DatabaseConnection): Promise<void> {
    await this.#pool.connection.end('rollback');
  }
}

/** What the mapper takes as its driver. */
export class UnitDialect extends PostgresDialect {
  readonly #pool: UnitPool;

  constructor(pool: UnitPool) {
    super({ pool });
    this.#pool = pool;
  }

  override createDriver(): UnitDriver {
    return new UnitDriver(this.#pool);
  }
}
