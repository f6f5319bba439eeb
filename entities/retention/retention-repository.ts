import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { RetentionResource } from '../../domain/retention/policy.ts';

/** A policy row. */
export interface RetentionRule {
  readonly resource: RetentionResource;
  readonly maxAgeDays: number;
  readonly batchSize: number;
  readonly enabled: boolean;
}

const TERMINAL = sql`('completed', 'failed', 'cancelled')`;
const TASK_HAS_ENDED = sql`exists (select from muster.tasks t where t.id = task_id and t.status in ${TERMINAL})`;
/** An ended trace of a task that is open again counts as open. */
const TRACE_HAS_ENDED = sql`exists (select from muster.agent_traces r join muster.tasks t on t.id = r.task_id
  where r.id = trace_id and r.status <> 'running' and t.status in ${TERMINAL})`;

/**
 * What of each table has outlived its policy: only rows that have ended, never anything of a task that is open. A task
 * takes its traces, runs, events, artifacts, effects and outbox rows with it; the other policies are for those who keep tasks
 * longer than what was recorded about them.
 */
const EXPIRED: Record<RetentionResource, (days: number) => ReturnType<typeof sql>> = {
  tasks: (days) => sql`from muster.tasks where completed_at < now() - make_interval(days => ${days})`,
  agent_traces: (days) => sql`from muster.agent_traces where finished_at < now() - make_interval(days => ${days})
    and ${TASK_HAS_ENDED}`,
  agent_runs: (days) => sql`from muster.agent_runs where finished_at < now() - make_interval(days => ${days})
    and created_at < now() - make_interval(days => ${days})
    and ${TRACE_HAS_ENDED}`,
  trace_events: (days) => sql`from muster.trace_events where at < now() - make_interval(days => ${days})
    and ${TRACE_HAS_ENDED}`,
  artifacts: (days) => sql`from muster.artifacts where created_at < now() - make_interval(days => ${days})
    and (task_id is null or ${TASK_HAS_ENDED})`,
  agent_messages: (days) => sql`from muster.agent_messages
    where coalesce(dead_at, "timestamp") < now() - make_interval(days => ${days}) and status in ('processed', 'dead')`,
  // What was sent is done with, whether its task has ended or not; a submit's row names many.
  outbox: (days) => sql`from muster.outbox where sent_at < now() - make_interval(days => ${days})`,
  operation_keys: (days) => sql`from muster.operation_keys where created_at < now() - make_interval(days => ${days})`,
};

/** The retention policies, and what they let go. Needs a system unit of work. */
export class RetentionRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  async policies(): Promise<RetentionRule[]> {
    const result = await sql<{ resource: string; max_age_days: number; batch_size: number; enabled: boolean }>`
      select resource, max_age_days, batch_size, enabled from muster.retention_policies order by resource`.execute(
      this.#em.getKysely(),
    );
    return result.rows.map((row) => ({
      resource: row.resource as RetentionResource,
      maxAgeDays: row.max_age_days,
      batchSize: row.batch_size,
      enabled: row.enabled,
    }));
  }

  /** How many rows one prune after the other would take. */
  async count(rule: RetentionRule): Promise<number> {
    const result = await sql<{ count: number }>`
      select count(*)::int as count ${EXPIRED[rule.resource](rule.maxAgeDays)}`.execute(this.#em.getKysely());
    return result.rows[0]?.count ?? 0;
  }

  /** Removes one batch and says how many rows went. */
  async prune(rule: RetentionRule): Promise<number> {
    const table = sql.table(`muster.${rule.resource}`);
    const result = await sql<{ count: number }>`
      with gone as (
        delete from ${table} where ctid = any(array(
          select ctid ${EXPIRED[rule.resource](rule.maxAgeDays)} limit ${rule.batchSize}
        )) returning 1
      )
      select count(*)::int as count from gone`.execute(this.#em.getKysely());
    return result.rows[0]?.count ?? 0;
  }

  /**
   * Buries one batch of messages that nobody took for as long as the policy keeps messages, and of those whose time
   * passed while no process of their agent lived. They stay as dead ones for the same time again.
   * @returns how many
   */
  async buryUnclaimed({ maxAgeDays, batchSize }: RetentionRule): Promise<number> {
    const result = await sql`
      update muster.agent_messages m set status = 'dead', leased_until = null, lease_owner = null, dead_at = now(),
        fence = m.fence + 1, dead_reason = case when m.expires_at <= now() then 'expired'
          else ${`unclaimed: no process of its agent took it for ${maxAgeDays} days`} end
      from (
        select id from muster.agent_messages
        where (status = 'pending' or (status = 'leased' and leased_until < now()))
          and (expires_at <= now() - interval '1 hour'
            or greatest("timestamp", available_at) < now() - make_interval(days => ${maxAgeDays}))
        order by id limit ${batchSize} for update skip locked
      ) as over
      where m.id = over.id`.execute(this.#em.getKysely());
    return Number(result.numAffectedRows ?? 0);
  }

  async noteRun(rule: RetentionRule, removed: number): Promise<void> {
    await sql`update muster.retention_policies set last_run_at = now(), last_removed = ${removed}
      where resource = ${rule.resource}`.execute(this.#em.getKysely());
  }
}
