import type { Database } from '../database/transaction.ts';
import type { AgentId, TenantId } from '../domain/ids.ts';
import { type Recipient, RecipientRepository } from '../entities/messaging/recipient-repository.ts';
import { AgentUnknown } from './messaging-errors.ts';

/** How long a name's agent is taken as known. An agent keeps its id, so only a tenant's own new one is seen late. */
const MEMORY_MS = 5_000;
const MOST_NAMES = 10_000;

/** Finds agents by name. */
export class AgentDirectory {
  readonly #database: Database;
  readonly #known = new Map<string, { id: Promise<AgentId | null>; until: number }>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The id of the agent that a tenant means by a name, or by an id. @throws AgentUnknown */
  async find(tenant: TenantId, name: string): Promise<AgentId> {
    const key = `${tenant}/${name}`;
    const known = this.#known.get(key);
    const isFresh = known !== undefined && known.until > performance.now();
    const id = await (isFresh ? known.id : this.#look(tenant, name, key));
    if (id !== null) return id;
    this.#known.delete(key);
    throw new AgentUnknown(name, tenant);
  }

  /** Whoever asks while an answer is under way waits for the same one. */
  #look(tenant: TenantId, name: string, key: string): Promise<AgentId | null> {
    const { single } = this.#database;
    const id = single.inTenant(tenant, ({ em }) => new RecipientRepository(em).find(tenant, name));
    id.catch(() => this.#known.delete(key));
    if (this.#known.size >= MOST_NAMES) this.#known.clear();
    this.#known.set(key, { id, until: performance.now() + MEMORY_MS });
    return id;
  }

  /** All agents of a tenant that take messages, shared ones included. */
  withMailbox(tenant: TenantId): Promise<Recipient[]> {
    return this.#database.single.inTenant(tenant, ({ em }) => new RecipientRepository(em).withMailbox(tenant));
  }
}
