import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { tables } from './tables.ts';

/** Statements over an aggregate, in the unit of work of its entity manager. */
export abstract class Repository {
  protected readonly em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.em = em;
  }

  /** The database's time by now, however long ago the transaction began. */
  async clock(): Promise<Date> {
    const now = tables(this.em).selectNoFrom(({ fn }) => fn<Date>('clock_timestamp').as('at'));
    return (await now.executeTakeFirstOrThrow()).at;
  }
}
