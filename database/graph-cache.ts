import type { GraphDefinition } from '../domain/graphs/definition.ts';
import type { GraphId, TenantId } from '../domain/ids.ts';
import { GraphRepository } from '../entities/graphs/graph-repository.ts';
import { GraphMissing } from './database-errors.ts';
import type { Database } from './transaction.ts';

/** How many published graphs a process keeps. A graph of 200 nodes takes about 200 KB. */
const CAPACITY = 200;

/**
 * Published graphs by id, read once: they never change. Concurrent readers of one graph share one read; a failed read
 * is forgotten, so that the next one tries again.
 */
export class GraphCache {
  readonly #database: Database;
  readonly #definitions = new Map<GraphId, Promise<GraphDefinition>>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws GraphMissing, StoredRowInvalid */
  get(tenant: TenantId, id: GraphId): Promise<GraphDefinition> {
    const known = this.#definitions.get(id);
    if (known !== undefined) return known;
    const reading = this.#read(tenant, id);
    this.#definitions.set(id, reading);
    reading.catch(() => this.#definitions.delete(id));
    this.#evictOldest();
    return reading;
  }

  async #read(tenant: TenantId, id: GraphId): Promise<GraphDefinition> {
    const graph = await this.#database.inTenant(tenant, ({ em }) => new GraphRepository(em).load(id));
    if (graph === null) throw new GraphMissing(id);
    return graph.definition;
  }

  #evictOldest(): void {
    if (this.#definitions.size <= CAPACITY) return;
    const [oldest] = this.#definitions.keys();
    if (oldest !== undefined) this.#definitions.delete(oldest);
  }
}
