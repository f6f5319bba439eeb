import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { AgentLeaseRecord, HeldLease, LeaseEndReason, NewLease } from '../../domain/agents/lease.ts';
import type { AgentId, LeaseId, TenantId } from '../../domain/ids.ts';
import { readDate, readDateOrNull } from '../read-row.ts';

/** A lease that was taken from a process that fell silent. */
export interface ExpiredLease {
  readonly id: LeaseId;
  readonly tenant: TenantId;
  readonly process: string;
  readonly agentIds: readonly AgentId[];
  readonly fence: number;
  /** Since its last renewal. */
  readonly silentSeconds: number;
}

const COLUMNS = sql`id, tenant_id, process, agent_ids, public_key, fence, granted_at, renewed_at, ended_at, end_reason`;

/** The leases under which processes speak for their agents. Each method is one statement, judged by the database's clock. */
export class LeaseRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Grants a lease. The same id again answers the lease that was granted, with its fence.
   * @throws a foreign-key error when the tenant is not known yet
   */
  async open(lease: NewLease): Promise<HeldLease> {
    const result = await sql<{ fence: string }>`
      insert into muster.agent_leases as l (id, tenant_id, process, agent_ids, public_key, task_queue, handlers, fence)
      values (${lease.id}, ${lease.tenant}, ${lease.process}, ${[...lease.agentIds]}::uuid[], ${lease.publicKey},
        ${lease.hosting?.taskQueue ?? null}, ${[...(lease.hosting?.handlers ?? [])]}::text[],
        nextval('muster.agent_lease_fence'))
      on conflict (id) do update set renewed_at = l.renewed_at
      returning l.fence`.execute(this.#em.getKysely());
    return { id: lease.id, fence: Number(result.rows[0]?.fence) };
  }

  /** Keeps a lease for another period. @returns false once it has ended: its holder has to take a new one */
  async renew(id: LeaseId): Promise<boolean> {
    const result = await sql`
      update muster.agent_leases set renewed_at = now() where id = ${id} and ended_at is null returning id`.execute(
      this.#em.getKysely(),
    );
    return result.rows.length === 1;
  }

  /** Ends a lease. @returns false when it had ended, whose reason stays */
  async close(id: LeaseId, reason: LeaseEndReason): Promise<boolean> {
    const result = await sql`
      update muster.agent_leases set ended_at = now(), end_reason = ${reason}
      where id = ${id} and ended_at is null returning id`.execute(this.#em.getKysely());
    return result.rows.length === 1;
  }

  /** The leases with these ids that the unit of work may see, ended ones too, in no order. */
  async find(ids: readonly LeaseId[]): Promise<AgentLeaseRecord[]> {
    const result = await sql<Record<string, unknown>>`
      select ${COLUMNS} from muster.agent_leases where id = any(${[...ids]}::uuid[])`.execute(this.#em.getKysely());
    return result.rows.map(readLease);
  }

  /**
   * Ends, as `silent`, the leases that were not renewed for so long. What another supervisor ends at the same moment is
   * ended once. Needs a system unit of work to see every tenant's.
   */
  async expire(olderThanSeconds: number): Promise<ExpiredLease[]> {
    const result = await sql<Record<string, unknown>>`
      update muster.agent_leases l set ended_at = now(), end_reason = 'silent'
      from (select id from muster.agent_leases
        where ended_at is null and renewed_at < now() - make_interval(secs => ${olderThanSeconds})
        order by id for update skip locked) as silent
      where l.id = silent.id
      returning l.id, l.tenant_id, l.process, l.agent_ids, l.fence,
        extract(epoch from now() - l.renewed_at)::float8 as silent_seconds`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      id: row.id as LeaseId,
      tenant: row.tenant_id as TenantId,
      process: row.process as string,
      agentIds: row.agent_ids as AgentId[],
      fence: Number(row.fence),
      silentSeconds: Number(row.silent_seconds),
    }));
  }
}

function readLease(row: Record<string, unknown>): AgentLeaseRecord {
  return {
    id: row.id as LeaseId,
    tenant: row.tenant_id as TenantId,
    process: row.process as string,
    agentIds: row.agent_ids as AgentId[],
    publicKey: row.public_key as string,
    fence: Number(row.fence),
    grantedAt: readDate(row.granted_at as string),
    renewedAt: readDate(row.renewed_at as string),
    endedAt: readDateOrNull(row.ended_at as string | null),
    endReason: row.end_reason as LeaseEndReason | null,
  };
}
