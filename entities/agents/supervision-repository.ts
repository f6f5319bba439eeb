import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { LIVING_AGENT_STATUSES } from '../../domain/agents/agent-status.ts';
import { SUPERVISION_PROCESS } from '../../domain/agents/lease.ts';
import {
  ALERT_AFTER_SECONDS,
  DEAD_AFTER_SECONDS,
  type Vitals,
  WATCH_GAP_SECONDS,
  type WatchState,
} from '../../domain/agents/liveness.ts';
import { type AgentId, type LeaseId, SYSTEM_TENANT } from '../../domain/ids.ts';
import { auditRowsFrom } from '../audit/audit-rows.ts';
import { call, column } from '../insert-from.ts';
import { nextStatus } from './agent-repository.ts';
import type { ExpiredLease } from './lease-repository.ts';

/** An agent that is gone, and for how long. */
export interface GoneAgent {
  readonly id: AgentId;
  readonly name: string;
  readonly tenant: string;
  readonly silentSeconds: number;
}

/** Ended leases are kept this long for those who check what was signed under them. */
const KEEP_LEASES_DAYS = 30;
const LIVING = sql.join(LIVING_AGENT_STATUSES.map((status) => sql.lit(status)));

/** What the supervision of agents reads and writes, across tenants. Every method may be repeated. */
export class SupervisionRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Notes that somebody looks, and says since when without a gap. Whoever supervises renews one lease for that, so the
   * watch goes on when the next look is another worker's. Two looks at once wait for each other.
   * @param leaseId becomes the watch's lease if a new one has to be begun
   */
  async watch(leaseId: LeaseId): Promise<WatchState> {
    const kysely = this.#em.getKysely();
    await sql`select pg_advisory_xact_lock(hashtextextended('muster.supervision', 0))`.execute(kysely);
    await sql`
      update muster.agent_leases set ended_at = now(), end_reason = 'silent'
      where tenant_id = ${SYSTEM_TENANT} and process = ${SUPERVISION_PROCESS} and ended_at is null
        and renewed_at < now() - make_interval(secs => ${WATCH_GAP_SECONDS})`.execute(kysely);
    await sql`
      insert into muster.agent_leases (id, tenant_id, process, public_key, fence)
      select ${leaseId}, ${SYSTEM_TENANT}, ${SUPERVISION_PROCESS}, '', nextval('muster.agent_lease_fence')
      where not exists (select from muster.agent_leases
        where tenant_id = ${SYSTEM_TENANT} and process = ${SUPERVISION_PROCESS} and ended_at is null)`.execute(kysely);
    const result = await sql<{ up: number; watching: number }>`
      update muster.agent_leases set renewed_at = now()
      where tenant_id = ${SYSTEM_TENANT} and process = ${SUPERVISION_PROCESS} and ended_at is null
      returning extract(epoch from now() - pg_postmaster_start_time())::float8 as up,
        extract(epoch from now() - granted_at)::float8 as watching`.execute(kysely);
    const row = result.rows[0];
    return { databaseUpSeconds: Number(row?.up ?? 0), watchingSeconds: Number(row?.watching ?? 0) };
  }

  /** What PostgreSQL knows of every agent that counts as alive. */
  async vitals(): Promise<Omit<Vitals, 'onBoard'>[]> {
    const result = await sql<Record<string, unknown>>`
      with covered as (
        select agent_id, max(l.renewed_at) as renewed_at
        from muster.agent_leases l cross join unnest(l.agent_ids) as agent_id where l.ended_at is null group by agent_id
      )
      select a.id, a.name, extract(epoch from now() - h.beat_at)::float8 as beat_age,
        extract(epoch from now() - c.renewed_at)::float8 as lease_age
      from muster.agents a
      left join muster.agent_heartbeats h on h.agent_id = a.id
      left join covered c on c.agent_id = a.id
      where a.status in (${LIVING})`.execute(this.#em.getKysely());
    const age = (value: unknown) => (value === null ? null : Number(value));
    return result.rows.map((row) => ({
      id: row.id as AgentId,
      name: row.name as string,
      beatAge: age(row.beat_age),
      leaseAge: age(row.lease_age),
    }));
  }

  /**
   * Writes as offline those of the agents that are still silent; one that beats at this moment is left alone.
   * @returns whom
   */
  async declareOffline(ids: readonly AgentId[]): Promise<GoneAgent[]> {
    const result = await sql<Record<string, unknown>>`
      with silent as (
        select a.id from muster.agents a
        where a.id = any(${[...ids]}::uuid[]) and a.status in (${LIVING})
          and not exists (select from muster.agent_heartbeats h
            where h.agent_id = a.id and h.beat_at >= now() - make_interval(secs => ${DEAD_AFTER_SECONDS}))
        order by a.id for update of a skip locked
      )
      update muster.agents a
      set status = ${nextStatus('silent')}, last_heartbeat = coalesce(h.beat_at, a.last_heartbeat)
      from silent left join muster.agent_heartbeats h on h.agent_id = silent.id
      where a.id = silent.id
      returning a.id, a.name, a.tenant_id,
        extract(epoch from now() - coalesce(h.beat_at, a.last_heartbeat, a.created_at))::float8 as silent_seconds`.execute(
      this.#em.getKysely(),
    );
    return result.rows.map(readGone);
  }

  /**
   * Lets others have what processes held that lost their lease: the messages that they were handling go back under a new
   * fence, so that the old holder's end of them is refused. An agent that they kept busy is so no more.
   * @returns how many messages went back
   */
  async reroute(leases: readonly ExpiredLease[]): Promise<number> {
    if (leases.length === 0) return 0;
    const agentIds = [...new Set(leases.flatMap((lease) => lease.agentIds))].sort();
    const owners = leases.flatMap(({ id, process }) => [id, process]);
    await sql`
      update muster.agents a set status = ${nextStatus('rested')}
      from (select id from muster.agents where id = any(${agentIds}::uuid[]) and status = 'busy'
        order by id for update skip locked) as busy
      where a.id = busy.id`.execute(this.#em.getKysely());
    const result = await sql`
      update muster.agent_messages m
      set status = 'pending', fence = m.fence + 1, lease_owner = null, leased_until = null, available_at = now()
      from (select "timestamp", id from muster.agent_messages
        where to_agent_id = any(${agentIds}::uuid[]) and status = 'leased' and lease_owner = any(${owners}::text[])
        order by id for update skip locked) as held
      where m."timestamp" = held."timestamp" and m.id = held.id returning m.id`.execute(this.#em.getKysely());
    return result.rows.length;
  }

  /**
   * Marks, once for each silence, the agents that went without a goodbye and have been silent for too long, with an audit
   * row each.
   * @returns those that are new
   */
  async raiseAlerts(): Promise<GoneAgent[]> {
    const result = await sql<Record<string, unknown>>`
      with lost as (
        select agent_id, max(l.fence) as fence
        from muster.agent_leases l cross join unnest(l.agent_ids) as agent_id
        where l.ended_at > now() - interval '1 day' and l.end_reason in ('silent', 'failed') group by agent_id
      ), due as (
        select a.id, extract(epoch from now() - coalesce(h.beat_at, a.last_heartbeat))::float8 as silent_seconds
        from lost join muster.agents a on a.id = lost.agent_id
        left join muster.agent_heartbeats h on h.agent_id = a.id
        where a.status in ('offline', 'failed') and a.alerted_at is null
          and coalesce(h.beat_at, a.last_heartbeat) < now() - make_interval(secs => ${ALERT_AFTER_SECONDS})
          and not exists (select from muster.agent_leases l where l.fence > lost.fence and a.id = any(l.agent_ids)
            and (l.ended_at is null or l.ended_at > now() - interval '1 day'))
        order by a.id for update of a skip locked
      ), alerted as (
        update muster.agents a set alerted_at = now() from due where a.id = due.id
        returning a.id, a.name, a.tenant_id, due.silent_seconds
      ), noted as (
        ${SILENT_AGENTS}
      )
      select id, name, tenant_id, silent_seconds from alerted`.execute(this.#em.getKysely());
    return result.rows.map(readGone);
  }

  /** Removes leases that ended long ago and under which no message waits. */
  async forgetOldLeases(): Promise<void> {
    await sql`
      delete from muster.agent_leases l
      where l.ended_at < now() - make_interval(days => ${KEEP_LEASES_DAYS}) and not exists (
        select from muster.agent_messages m where m.lease_id = l.id and m.status in ('pending', 'leased'))`.execute(
      this.#em.getKysely(),
    );
  }
}

const SILENT_AGENTS = auditRowsFrom('alerted', {
  ...{ actor: 'supervision', action: 'agent.silent', subjectType: 'agent' },
  details: { name: column('name'), silentSeconds: call('round', column('silent_seconds')) },
});

function readGone(row: Record<string, unknown>): GoneAgent {
  return {
    id: row.id as AgentId,
    name: row.name as string,
    tenant: row.tenant_id as string,
    silentSeconds: Math.round(Number(row.silent_seconds)),
  };
}
