import { type AgentId, isUuid, SYSTEM_TENANT, type TenantId } from '../../domain/ids.ts';
import { Agent } from '../agents/agent.ts';
import { LIVING } from '../agents/agent-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { TAKES_MESSAGES } from './message-expressions.ts';

/** An agent to whom a message may be sent. */
export interface Recipient {
  readonly id: AgentId;
  readonly name: string;
  readonly roles: readonly string[];
  readonly alive: boolean;
}

/** Whom messages can be sent to: a tenant's own agents, then those that every tenant shares. One statement each. */
export class RecipientRepository extends Repository {
  /** The agent of a name, or of an id; the tenant's own comes before a shared one. Tools take no messages. */
  async find(tenant: TenantId, name: string): Promise<AgentId | null> {
    const found = await this.em.find(
      Agent,
      {
        tenantId: { $in: [tenant, SYSTEM_TENANT] },
        type: { $ne: 'tool' },
        $or: [{ name }, ...(isUuid(name) ? [{ id: name as AgentId }] : [])],
      },
      { fields: ['id', 'tenantId'] },
    );
    const own = found.find(({ tenantId }) => tenantId === tenant) ?? found[0];
    return own?.id ?? null;
  }

  /** All agents that take messages, one for each name, by name. */
  withMailbox(tenant: TenantId): Promise<Recipient[]> {
    return tables(this.em)
      .selectFrom('agents as a')
      .distinctOn('a.name')
      .select(['a.id', 'a.name', 'a.roles'])
      .select((eb) => eb('a.status', 'in', LIVING).$castTo<boolean>().as('alive'))
      .where('a.tenantId', 'in', [tenant, SYSTEM_TENANT])
      .where((eb) => eb('a.config', '@>', TAKES_MESSAGES))
      .orderBy('a.name')
      .orderBy((eb) => eb('a.tenantId', '=', SYSTEM_TENANT))
      .execute();
  }
}
