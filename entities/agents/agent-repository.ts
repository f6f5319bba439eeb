import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { AgentStatus, AgentType } from '../../domain/agents/status.ts';
import type { AgentId, TenantId } from '../../domain/ids.ts';
import { readDateOrNull } from '../read-row.ts';

/** An agent as a worker registers it. */
export interface NewAgent {
  readonly id: AgentId;
  readonly name: string;
  readonly type: AgentType;
  readonly description: string;
}

export interface AgentRecord {
  readonly id: AgentId;
  readonly tenant: TenantId;
  readonly name: string;
  readonly type: AgentType;
  readonly status: AgentStatus;
  readonly description: string;
  readonly workerId: string | null;
  readonly lastHeartbeat: Date | null;
}

/** The registry of agents, and their signs of life. */
export class AgentRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** Registers agents under a tenant and returns their ids. A known name keeps its id. */
  async register(tenant: TenantId, agents: readonly NewAgent[]): Promise<Map<string, AgentId>> {
    const result = await sql<{ id: string; name: string }>`
      insert into muster.agents as a (id, tenant_id, name, type, status, description)
      select (e ->> 'id')::uuid, ${tenant}, e ->> 'name', e ->> 'type', 'starting', e ->> 'description'
      from jsonb_array_elements(${JSON.stringify(agents)}::jsonb) as e
      order by e ->> 'name'
      on conflict (tenant_id, name) do update set description = excluded.description, type = excluded.type,
        status = case when a.status in ('active', 'busy', 'idle') then a.status else 'starting' end
      returning id, name`.execute(this.#em.getKysely());
    return new Map(result.rows.map((row) => [row.name, row.id as AgentId]));
  }

  /**
   * One beat for all agents of a process, in one statement, in the order of their ids so that two processes never
   * wait for each other in a circle. An agent that counted as gone, because another of its workers left, is back.
   */
  async beat(workerId: string, ids: readonly AgentId[]): Promise<void> {
    await sql`
      with back as (
        update muster.agents a set status = 'active', last_heartbeat = now()
        from (select id from muster.agents where id = any(${[...ids]}::uuid[]) and status in ('starting', 'offline')
          order by id for update) as gone
        where a.id = gone.id
      )
      insert into muster.agent_heartbeats as h (agent_id, tenant_id, worker_id, beat_at)
      select a.id, a.tenant_id, ${workerId}, now() from muster.agents a
      where a.id = any(${[...ids]}::uuid[]) order by a.id
      on conflict (agent_id) do update set worker_id = excluded.worker_id, beat_at = excluded.beat_at`.execute(
      this.#em.getKysely(),
    );
  }

  /** Moves agents to a status; rows that have it already are not written. */
  async setStatus(ids: readonly AgentId[], status: AgentStatus): Promise<void> {
    await sql`
      update muster.agents a set status = ${status}, last_heartbeat = now()
      from (select id from muster.agents where id = any(${[...ids]}::uuid[]) and status <> ${status}
        order by id for update) as changed
      where a.id = changed.id`.execute(this.#em.getKysely());
  }

  /** Marks as offline those agents whose last beat came from this process. */
  async leave(workerId: string, ids: readonly AgentId[]): Promise<void> {
    await sql`
      update muster.agents a set status = 'offline', last_heartbeat = gone.beat_at
      from (select agent_id, beat_at from muster.agent_heartbeats
        where agent_id = any(${[...ids]}::uuid[]) and worker_id = ${workerId} order by agent_id for update) as gone
      where a.id = gone.agent_id`.execute(this.#em.getKysely());
  }

  async list(): Promise<AgentRecord[]> {
    const result = await sql<Record<string, unknown>>`
      select a.id, a.tenant_id, a.name, a.type, a.status, a.description, h.worker_id,
        coalesce(h.beat_at, a.last_heartbeat) as last_heartbeat
      from muster.agents a left join muster.agent_heartbeats h on h.agent_id = a.id order by a.name`.execute(
      this.#em.getKysely(),
    );
    return result.rows.map((row) => ({
      id: row.id as AgentId,
      tenant: row.tenant_id as TenantId,
      name: row.name as string,
      type: row.type as AgentType,
      status: row.status as AgentStatus,
      description: (row.description as string | null) ?? '',
      workerId: row.worker_id as string | null,
      lastHeartbeat: readDateOrNull(row.last_heartbeat as string | null),
    }));
  }
}
