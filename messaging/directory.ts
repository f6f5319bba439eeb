import { LRUCache } from 'lru-cache';
import type { Database } from '../database/transaction.ts';
import type { AgentId, TenantId } from '../domain/ids.ts';
import { type Recipient, RecipientRepository } from '../entities/messaging/recipient-repository.ts';
import { AgentUnknown } from './messaging-errors.ts';

/** How long a name's agent is taken as known. An agent keeps its id, so only a tenant's own new one is seen late. */
const MEMORY_MS = 5_000;
const MOST_NAMES = 10_000;

export class AgentDirectory {
  readonly #database: Database;
  readonly #known: LRUCache<string, AgentId, { tenant: TenantId; name: string }>;

  constructor(database: Database) {
    this.#database = database;
    this.#known = new LRUCache({
      ...{ max: MOST_NAMES, ttl: MEMORY_MS, ignoreFetchAbort: true },
      fetchMethod: (_key, _stale, { context: { tenant, name } }) => this.#look(tenant, name),
    });
  }

  /** The id of the agent that a tenant means by a name, or by an id. @throws AgentUnknown */
  async find(tenant: TenantId, name: string): Promise<AgentId> {
    const id = await this.#known.fetch(`${tenant}/${name}`, { context: { tenant, name } });
    if (id === undefined) throw new AgentUnknown(name, tenant);
    return id;
  }

  /** Undefined is not remembered: an agent that is unknown now may register at any moment. */
  async #look(tenant: TenantId, name: string): Promise<AgentId | undefined> {
    const { single } = this.#database;
    const id = await single.inTenant(tenant, ({ em }) => new RecipientRepository(em).find(tenant, name));
    return id ?? undefined;
  }

  /** All agents of a tenant that take messages, shared ones included. */
  withMailbox(tenant: TenantId): Promise<Recipient[]> {
    return this.#database.single.inTenant(tenant, ({ em }) => new RecipientRepository(em).withMailbox(tenant));
  }
}
