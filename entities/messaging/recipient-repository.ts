import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { LIVING_AGENT_STATUSES } from '../../domain/agents/agent-status.ts';
import { type AgentId, SYSTEM_TENANT, type TenantId } from '../../domain/ids.ts';

/** An agent to whom a message may be sent. */
export interface Recipient {
  readonly id: AgentId;
  readonly name: string;
  readonly roles: readonly string[];
  readonly alive: boolean;
}

/** Whom messages can be sent to: a tenant's own agents, then those that every tenant shares. One statement each. */
export class RecipientRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** The agent of a name, or of an id; the tenant's own comes before a shared one. Tools take no messages. */
  async find(tenant: TenantId, name: string): Promise<AgentId | null> {
    const result = await sql<{ id: AgentId }>`
      select id from muster.agents where (name = ${name} or id::text = ${name}) and tenant_id in (${tenant}, ${SYSTEM_TENANT}) and type <> 'tool'
      order by tenant_id = ${SYSTEM_TENANT} limit 1`.execute(this.#em.getKysely());
    return result.rows[0]?.id ?? null;
  }

  /** All agents that take messages, one for each name, by name. */
  async withMailbox(tenant: TenantId): Promise<Recipient[]> {
    const result = await sql<{ id: AgentId; name: string; roles: string[]; alive: boolean }>`
      select distinct on (name) id, name, roles, status = any(${[...LIVING_AGENT_STATUSES]}::text[]) as alive
      from muster.agents where tenant_id in (${tenant}, ${SYSTEM_TENANT}) and config @> '{"mailbox": true}'::jsonb
      order by name, tenant_id = ${SYSTEM_TENANT}`.execute(this.#em.getKysely());
    return result.rows;
  }
}
