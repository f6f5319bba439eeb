import type { SqlEntityManager } from '@mikro-orm/postgresql';

/** Statements over an aggregate, in the unit of work of its entity manager. */
export abstract class Repository {
  protected readonly em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.em = em;
  }
}
