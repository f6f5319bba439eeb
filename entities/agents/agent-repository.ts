import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import {
  AGENT_MOVES,
  type AgentBeat,
  type AgentEvent,
  type AgentStatus,
  type AgentType,
} from '../../domain/agents/agent-status.ts';
import type { AgentId, LeaseId, TenantId } from '../../domain/ids.ts';
import { momentText } from '../messaging/message-row.ts';
import { readDateOrNull } from '../read-row.ts';

/** An agent as a worker registers it. */
export interface NewAgent {
  readonly id: AgentId;
  readonly name: string;
  readonly type: AgentType;
  readonly description: string;
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
}

/** One beat of a process: what it says of each agent for which its lease lets it speak. */
export interface ProcessBeat {
  readonly leaseId: LeaseId;
  readonly agents: readonly { readonly id: AgentId; readonly beat: AgentBeat }[];
}

/** Whom to look for. What is left out does not matter. */
export interface AgentSearch {
  readonly role?: string;
  readonly capability?: string;
}

export interface AgentRecord {
  readonly id: AgentId;
  readonly tenant: TenantId;
  readonly name: string;
  readonly type: AgentType;
  readonly status: AgentStatus;
  readonly description: string;
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  /** The process that beat last. */
  readonly workerId: string | null;
  readonly lastHeartbeat: Date | null;
}

/** The registry of agents, and their signs of life. */
export class AgentRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Registers agents under a tenant and returns their ids by name. A known name keeps its id and, while it is alive, its
   * status; everything else is as the latest process says.
   */
  async register(tenant: TenantId, agents: readonly NewAgent[]): Promise<Map<string, AgentId>> {
    const result = await sql<{ id: string; name: string }>`
      insert into muster.agents as a (id, tenant_id, name, type, status, description, roles, capabilities)
      select (e ->> 'id')::uuid, ${tenant}, e ->> 'name', e ->> 'type', 'starting', e ->> 'description',
        array(select jsonb_array_elements_text(e -> 'roles')), array(select jsonb_array_elements_text(e -> 'capabilities'))
      from jsonb_array_elements(${JSON.stringify(agents)}::jsonb) as e
      order by e ->> 'name'
      on conflict (tenant_id, name) do update set description = excluded.description, type = excluded.type,
        roles = excluded.roles, capabilities = excluded.capabilities,
        status = ${nextStatus('registered')}, updated_at = now()
      returning id, name`.execute(this.#em.getKysely());
    return new Map(result.rows.map((row) => [row.name, row.id as AgentId]));
  }

  /**
   * One beat of a process in one statement: renews its lease, notes the sign of life of its agents and moves those whose
   * status it changes. In the order of their ids, so that two processes never wait for each other in a circle.
   * @returns the database's time, as messages carry it; null, with nothing written, once the lease has ended: the process
   * has to take a new one first
   */
  async beat({ leaseId, agents }: ProcessBeat): Promise<string | null> {
    const moves = JSON.stringify(AGENT_MOVES);
    const result = await sql<{ now: string }>`
      with renewed as (
        update muster.agent_leases set renewed_at = now() where id = ${leaseId} and ended_at is null returning process
      ), told as (
        select id, beat from unnest(${agents.map(({ id }) => id)}::uuid[], ${agents.map(({ beat }) => beat)}::text[])
          as said (id, beat)
      ), moves as (
        select a.id, ${moves}::jsonb -> told.beat ->> a.status as next
        from muster.agents a join told on told.id = a.id
        where ${moves}::jsonb -> told.beat ->> a.status is not null
        order by a.id for update of a
      ), moved as (
        update muster.agents a set status = moves.next, last_heartbeat = now(), alerted_at = null
        from moves where a.id = moves.id and exists (select from renewed)
      ), beaten as (
        insert into muster.agent_heartbeats as h (agent_id, tenant_id, worker_id, beat_at)
        select a.id, a.tenant_id, renewed.process, now()
        from told join muster.agents a on a.id = told.id cross join renewed order by a.id
        on conflict (agent_id) do update set worker_id = excluded.worker_id, beat_at = excluded.beat_at
      )
      select ${momentText('clock_timestamp()')} as now from renewed`.execute(this.#em.getKysely());
    return result.rows[0]?.now ?? null;
  }

  /**
   * A goodbye, or a fault: moves those of the agents whose last beat came from this process.
   * @returns which those are; none when it is repeated
   */
  async leave(process: string, ids: readonly AgentId[], event: 'left' | 'failed'): Promise<AgentId[]> {
    const result = await sql<{ id: string }>`
      update muster.agents a set status = ${nextStatus(event)}, last_heartbeat = gone.beat_at
      from (select agent_id, beat_at from muster.agent_heartbeats
        where agent_id = any(${[...ids]}::uuid[]) and worker_id = ${process} order by agent_id for update) as gone
      where a.id = gone.agent_id and a.status <> ${nextStatus(event)} returning a.id`.execute(this.#em.getKysely());
    return result.rows.map((row) => row.id as AgentId);
  }

  /** Agents by name: all that the unit of work may see, or those with a role or a capability. */
  async list({ role, capability }: AgentSearch = {}): Promise<AgentRecord[]> {
    const result = await sql<Record<string, unknown>>`
      select a.id, a.tenant_id, a.name, a.type, a.status, a.description, a.roles, a.capabilities, h.worker_id,
        coalesce(h.beat_at, a.last_heartbeat) as last_heartbeat
      from muster.agents a left join muster.agent_heartbeats h on h.agent_id = a.id
      where (${role ?? null}::text is null or ${role ?? null} = any(a.roles))
        and (${capability ?? null}::text is null or ${capability ?? null} = any(a.capabilities))
      order by a.name, a.tenant_id`.execute(this.#em.getKysely());
    return result.rows.map(readAgent);
  }
}

/** The status of the row `a` after an event, in SQL: the same table as in the program. */
export function nextStatus(event: AgentEvent) {
  return sql`coalesce(${JSON.stringify(AGENT_MOVES[event])}::jsonb ->> a.status, a.status)`;
}

function readAgent(row: Record<string, unknown>): AgentRecord {
  return {
    id: row.id as AgentId,
    tenant: row.tenant_id as TenantId,
    name: row.name as string,
    type: row.type as AgentType,
    status: row.status as AgentStatus,
    description: (row.description as string | null) ?? '',
    roles: row.roles as string[],
    capabilities: row.capabilities as string[],
    workerId: row.worker_id as string | null,
    lastHeartbeat: readDateOrNull(row.last_heartbeat as string | null),
  };
}
