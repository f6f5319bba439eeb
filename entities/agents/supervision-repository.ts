import { raw } from '@mikro-orm/core';
import { sql } from 'kysely';
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
import { ago, anyOf, now, takesTurn } from '../common-expressions.ts';
import { call, column } from '../insert-from.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { LIVING, nextStatus, secondsSince } from './agent-expressions.ts';
import { AgentLease } from './agent-lease.ts';
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
/** An agent whose process was lost is looked at for so long. */
const LOOK_BACK_SECONDS = 86_400;
/** The lease by which the watch is known. */
const WATCH = { tenantId: SYSTEM_TENANT, process: SUPERVISION_PROCESS, endedAt: null };
/** A message that waits or is handled, as literals: a partial index holds these only. */
const WAITING = [sql.lit('pending' as const), sql.lit('leased' as const)];

const ALERT_NOTED = auditRowsFrom('alerted', {
  actor: 'supervision',
  action: 'agent.silent',
  subjectType: 'agent',
  details: { name: column('name'), silentSeconds: call('round', column('silent_seconds')) },
});

/** What the supervision of agents reads and writes, across tenants. Every method may be repeated. */
export class SupervisionRepository extends Repository {
  /**
   * Notes that somebody looks, and says since when without a gap. The supervisor renews one lease for that, so the
   * watch continues when the next look is another worker's. Two looks at once wait for each other.
   * @param leaseId becomes the watch's lease if a new one has to be begun
   */
  async watch(leaseId: LeaseId): Promise<WatchState> {
    const db = tables(this.em);
    await db.selectNoFrom((eb) => takesTurn(eb.val('muster.supervision')).as('turn')).execute();
    await db
      .updateTable('agent_leases')
      .set({ endedAt: now(), endReason: 'silent' })
      .where((eb) => eb.and(WATCH))
      .where('renewedAt', '<', ago(WATCH_GAP_SECONDS))
      .execute();
    if ((await this.em.count(AgentLease, WATCH)) === 0) {
      const { tenantId, process } = WATCH;
      const fence = raw<number>("nextval('muster.agent_lease_fence')");
      await this.em.insert(AgentLease, { id: leaseId, tenantId, process, publicKey: '', fence });
    }
    const { up, watching } = await db
      .updateTable('agent_leases')
      .set({ renewedAt: now() })
      .where((eb) => eb.and(WATCH))
      .returning((eb) => [
        secondsSince(eb.fn<Date>('pg_postmaster_start_time')).as('up'),
        secondsSince(eb.ref('agent_leases.grantedAt')).as('watching'),
      ])
      .executeTakeFirstOrThrow();
    return { databaseUpSeconds: Number(up), watchingSeconds: Number(watching) };
  }

  /** What PostgreSQL knows of every agent that counts as alive. */
  vitals(): Promise<Omit<Vitals, 'onBoard'>[]> {
    return tables(this.em)
      .with('spoken', (db) =>
        db
          .selectFrom('agent_leases as l')
          .select((eb) => [eb.fn<AgentId>('unnest', ['l.agentIds']).as('agent'), 'l.renewedAt as renewed'])
          .where('l.endedAt', 'is', null),
      )
      .with('covered', (db) =>
        db
          .selectFrom('spoken as s')
          .select((eb) => ['s.agent', eb.fn.max('s.renewed').as('renewed')])
          .groupBy('s.agent'),
      )
      .selectFrom('agents as a')
      .leftJoin('agent_heartbeats as h', 'h.agentId', 'a.id')
      .leftJoin('covered as c', 'c.agent', 'a.id')
      .select((eb) => [
        'a.id',
        'a.name',
        secondsSince(eb.ref('h.beatAt')).as('beatAge'),
        secondsSince(eb.ref('c.renewed')).as('leaseAge'),
      ])
      .where('a.status', 'in', LIVING)
      .execute();
  }

  /**
   * Writes as offline those of the agents that are still silent; one that beats at this moment is left alone.
   * @returns whom
   */
  async declareOffline(ids: readonly AgentId[]): Promise<GoneAgent[]> {
    const gone = await tables(this.em)
      .with('quiet', (db) =>
        db
          .selectFrom('agents as a')
          .select('a.id')
          .where('a.id', '=', anyOf(ids))
          .where('a.status', 'in', LIVING)
          .where((eb) =>
            eb.not(
              eb.exists(
                eb
                  .selectFrom('agent_heartbeats as h')
                  .select('h.agentId')
                  .whereRef('h.agentId', '=', 'a.id')
                  .where('h.beatAt', '>=', ago(DEAD_AFTER_SECONDS)),
              ),
            ),
          )
          .orderBy('a.id')
          .forUpdate('a')
          .skipLocked(),
      )
      .updateTable('agents')
      .from('quiet')
      .leftJoin('agent_heartbeats as h', 'h.agentId', 'quiet.id')
      .set((eb) => ({
        status: nextStatus('silent'),
        lastHeartbeat: eb.fn.coalesce('h.beatAt', 'agents.lastHeartbeat'),
      }))
      .whereRef('agents.id', '=', 'quiet.id')
      .returning((eb) => [
        'agents.id',
        'agents.name',
        'agents.tenantId',
        secondsSince(eb.fn.coalesce('h.beatAt', 'agents.lastHeartbeat', 'agents.createdAt')).as('silentSeconds'),
      ])
      .execute();
    return gone.map(readGone);
  }

  /**
   * Lets others have what processes held that lost their lease: the messages that they were handling go back under a new
   * fence, so that the old holder's end of them is refused. An agent that they kept busy is so no more.
   * @returns how many messages went back
   */
  async reroute(leases: readonly ExpiredLease[]): Promise<number> {
    if (leases.length === 0) return 0;
    const agentIds = [...new Set(leases.flatMap((lease) => lease.agentIds))].sort();
    const db = tables(this.em);
    await db
      .updateTable('agents')
      .from((eb) =>
        eb
          .selectFrom('agents as a')
          .select('a.id as busy')
          .where('a.id', '=', anyOf(agentIds))
          .where('a.status', '=', 'busy')
          .orderBy('a.id')
          .forUpdate()
          .skipLocked()
          .as('kept'),
      )
      .set({ status: nextStatus('rested') })
      .whereRef('agents.id', '=', 'kept.busy')
      .execute();
    const { numUpdatedRows } = await db
      .updateTable('agent_messages')
      .from((eb) =>
        eb
          .selectFrom('agent_messages as m')
          .select(['m.timestamp as sentAt', 'm.id as message'])
          .where('m.toAgentId', '=', anyOf(agentIds))
          .where('m.status', '=', sql.lit('leased' as const))
          .where('m.leaseOwner', '=', anyOf(leases.flatMap(({ id, process }) => [id, process])))
          .orderBy('m.id')
          .forUpdate()
          .skipLocked()
          .as('held'),
      )
      .set((eb) => ({
        status: 'pending',
        fence: eb('agent_messages.fence', '+', 1),
        leaseOwner: null,
        leasedUntil: null,
        availableAt: now(),
      }))
      .whereRef('agent_messages.timestamp', '=', 'held.sentAt')
      .whereRef('agent_messages.id', '=', 'held.message')
      .executeTakeFirstOrThrow();
    return Number(numUpdatedRows);
  }

  /**
   * Marks, once for each silence, the agents that went without a goodbye and have been silent for too long, with an audit
   * row each.
   * @returns those that are new
   */
  async raiseAlerts(): Promise<GoneAgent[]> {
    const recent = ago(LOOK_BACK_SECONDS);
    const alerted = await tables(this.em)
      .with('ended', (db) =>
        db
          .selectFrom('agent_leases as l')
          .select((eb) => [eb.fn<AgentId>('unnest', ['l.agentIds']).as('agent'), 'l.fence as number'])
          .where('l.endedAt', '>', recent)
          .where('l.endReason', 'in', ['silent', 'failed']),
      )
      .with('lost', (db) =>
        db
          .selectFrom('ended')
          .select((eb) => ['agent', eb.fn.max('number').as('number')])
          .groupBy('agent'),
      )
      .with('due', (db) =>
        db
          .selectFrom('lost')
          .innerJoin('agents as a', 'a.id', 'lost.agent')
          .leftJoin('agent_heartbeats as h', 'h.agentId', 'a.id')
          .select((eb) => ['a.id as due', secondsSince(eb.fn.coalesce('h.beatAt', 'a.lastHeartbeat')).as('silence')])
          .where('a.status', 'in', ['offline', 'failed'])
          .where('a.alertedAt', 'is', null)
          .where((eb) => eb(eb.fn.coalesce('h.beatAt', 'a.lastHeartbeat'), '<', ago(ALERT_AFTER_SECONDS)))
          .where((eb) =>
            eb.not(
              eb.exists(
                eb
                  .selectFrom('agent_leases as l')
                  .select('l.id')
                  .whereRef('l.fence', '>', 'lost.number')
                  .where((lease) => lease('a.id', '=', lease.fn.any('l.agentIds')))
                  .where((lease) => lease.or([lease('l.endedAt', 'is', null), lease('l.endedAt', '>', recent)])),
              ),
            ),
          )
          .orderBy('a.id')
          .forUpdate('a')
          .skipLocked(),
      )
      .with('alerted', (db) =>
        db
          .updateTable('agents')
          .from('due')
          .set({ alertedAt: now() })
          .whereRef('agents.id', '=', 'due.due')
          .returning(['agents.id', 'agents.name', 'agents.tenantId', 'due.silence as silentSeconds']),
      )
      .with('noted', () => ALERT_NOTED)
      .selectFrom('alerted')
      .selectAll()
      .execute();
    return alerted.map(readGone);
  }

  /** Removes leases that ended long ago and under which no message waits. */
  async forgetOldLeases(): Promise<void> {
    await tables(this.em)
      .deleteFrom('agent_leases')
      .where('agent_leases.endedAt', '<', ago(KEEP_LEASES_DAYS * 86_400))
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('agent_messages as m')
              .select('m.id')
              .whereRef('m.leaseId', '=', 'agent_leases.id')
              .where('m.status', 'in', WAITING),
          ),
        ),
      )
      .execute();
  }
}

function readGone(agent: { id: AgentId; name: string; tenantId: string; silentSeconds: number | null }): GoneAgent {
  const { id, name, tenantId: tenant, silentSeconds } = agent;
  return { id, name, tenant, silentSeconds: Math.round(Number(silentSeconds)) };
}
