import { LRUCache } from 'lru-cache';
import { GraphMissing } from '../../database/database-errors.ts';
import type { Database } from '../../database/transaction.ts';
import { errorMessage, isFinalError } from '../../domain/errors.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import type { GraphId, TenantId } from '../../domain/ids.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';

/** How many published graphs a process keeps. A graph of 200 nodes takes about 200 KB. */
const CAPACITY = 200;

/**
 * Published graphs by id, read once: they never change. Concurrent readers of one graph share one read; a failed read
 * is forgotten, so that the next one tries again.
 */
export class GraphCache {
  readonly #definitions: LRUCache<GraphId, GraphDefinition, TenantId>;

  constructor(database: Database) {
    this.#definitions = new LRUCache({
      max: CAPACITY,
      ignoreFetchAbort: true,
      fetchMethod: (id, _stale, { context: tenant }) => read(database, tenant, id),
    });
  }

  /** @throws GraphMissing, StoredRowInvalid */
  get(tenant: TenantId, id: GraphId): Promise<GraphDefinition> {
    return this.#definitions.forceFetch(id, { context: tenant });
  }

  /** The graph, or why it cannot be used for an execution: another try would find the same row. */
  async usable({ tenant, graphId }: ExecutionRef): Promise<GraphDefinition | { readonly fault: Failure }> {
    try {
      return await this.get(tenant, graphId);
    } catch (error) {
      if (!isFinalError(error)) throw error;
      return { fault: { code: error.code, message: errorMessage(error) } };
    }
  }
}

async function read(database: Database, tenant: TenantId, id: GraphId): Promise<GraphDefinition> {
  const graph = await database.inTenant(tenant, ({ em }) => new GraphRepository(em).load(id));
  if (graph === null) throw new GraphMissing(id);
  return graph.definition;
}
