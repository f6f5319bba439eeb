import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { type AgentStatus, LIVING_AGENT_STATUSES } from '../../domain/agents/agent-status.ts';
import { DEAD_AFTER_SECONDS, SUSPECT_AFTER_SECONDS } from '../../domain/agents/liveness.ts';
import { bandOfPriority, PRIORITY_BANDS, type PriorityBand } from '../../domain/tasks/priority.ts';

/** How the whole installation stands, as PostgreSQL shows it. */
export interface InstallationGauges {
  readonly waiting: Readonly<Record<PriorityBand, number>>;
  /** The age of the oldest outbox row that was not sent; 0 when all are. */
  readonly outboxAgeSeconds: number;
  readonly agents: Readonly<Partial<Record<AgentStatus, number>>>;
  /** Silent for more than 30 s and not declared dead. */
  readonly suspects: number;
  /** Gone for so long that somebody was told. */
  readonly alerted: number;
  /** The age of the oldest heartbeat among the agents that count as alive; 0 without one. */
  readonly oldestHeartbeatSeconds: number;
  readonly messagesWaiting: number;
}

const LIVING = sql.join(LIVING_AGENT_STATUSES.map((status) => sql.lit(status)));

/** Figures over all tenants, for whoever watches. */
export class GaugeRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** One statement. Needs a system unit of work. */
  async read(): Promise<InstallationGauges> {
    const result = await sql<Record<string, unknown>>`
      select
        (select coalesce(jsonb_object_agg(priority, count), '{}') from (
          select priority, count(*) from muster.tasks where status = 'pending' group by priority) as waiting) as waiting,
        (select extract(epoch from now() - min(created_at)) from muster.outbox where sent_at is null)::float8 as outbox_age,
        (select coalesce(jsonb_object_agg(status, count), '{}') from (
          select status, count(*) from muster.agents group by status) as agents) as agents,
        (select count(*) from muster.agents where alerted_at is not null)::int as alerted,
        (select count(*) from muster.agent_messages where status in ('pending', 'leased'))::int as messages,
        beats.*
      from (
        select count(*) filter (where beat_at < now() - make_interval(secs => ${SUSPECT_AFTER_SECONDS})
            and beat_at >= now() - make_interval(secs => ${DEAD_AFTER_SECONDS}))::int as suspects,
          extract(epoch from now() - min(beat_at))::float8 as oldest
        from muster.agent_heartbeats h join muster.agents a on a.id = h.agent_id where a.status in (${LIVING})
      ) as beats`.execute(this.#em.getKysely());
    const row = result.rows[0] ?? {};
    return {
      waiting: perBand((row.waiting ?? {}) as Record<string, number>),
      outboxAgeSeconds: Number(row.outbox_age ?? 0),
      agents: (row.agents ?? {}) as Partial<Record<AgentStatus, number>>,
      suspects: Number(row.suspects ?? 0),
      alerted: Number(row.alerted ?? 0),
      oldestHeartbeatSeconds: Number(row.oldest ?? 0),
      messagesWaiting: Number(row.messages ?? 0),
    };
  }
}

function perBand(counts: Readonly<Record<string, number>>): Record<PriorityBand, number> {
  const waiting = Object.fromEntries(PRIORITY_BANDS.map((band) => [band, 0])) as Record<PriorityBand, number>;
  for (const [priority, count] of Object.entries(counts)) waiting[bandOfPriority(Number(priority))] += count;
  return waiting;
}
