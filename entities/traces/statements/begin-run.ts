import { type RawBuilder, sql } from 'kysely';
import type { TraceId } from '../../../domain/ids.ts';

/** A run that an attempt has begun. */
export interface BegunRow {
  readonly tenantId: string;
  readonly traceId: TraceId;
  readonly nodeId: string;
  readonly attempts: number;
  readonly failures: number;
  readonly crashes: number;
  readonly limitWaitMs: number;
  readonly first: boolean;
}

/**
 * Of the row `r`, which the attempt `a` wants to begin: whether the attempt is not refused as overtaken. It is while a
 * later one of its own workflow run is under way, and when another workflow run has taken the run over since.
 */
function isNotOvertaken(a: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`case when r.overtaken ? ${a}.workflow_run
    then (r.overtaken ->> ${a}.workflow_run)::int between 1 and ${a}.activity_attempt - 1
    else r.status = 'pending' or r.workflow_run is distinct from ${a}.workflow_run
      or r.activity_attempt <= ${a}.activity_attempt end`;
}

const EXCLUDED = sql.raw('excluded');

/**
 * Begins the run of the attempt in `claimed`. The row numbers attempts from 1, whatever Temporal's numbers are: they
 * count those that never came here, and go back where an activity is reset. An attempt that is found without an end counts
 * as lost when the same workflow run begins a later one; one from another workflow run is overtaken and does not count.
 *
 * SQL text because kysely can say neither `xmax` nor what of a row an `on conflict` meets: it would be fragments of text
 * inside builders. By agent_runs_trace_node_unique.
 */
export const BEGIN_RUN = sql<BegunRow>`(
  insert into agent_runs as r (id, tenant_id, trace_id, node_id, agent, kind, status, attempts, started_at, workflow_run,
    activity_attempt, worker_id)
  select gen_random_uuid(), tenant_id, trace_id, node_id, agent, kind, 'running', 1, clock_timestamp(), workflow_run,
    activity_attempt, worker_id
  from claimed
  on conflict (trace_id, node_id) do update set status = 'running', next_attempt_at = null,
    workflow_run = excluded.workflow_run, activity_attempt = excluded.activity_attempt,
    worker_id = excluded.worker_id, limited = false,
    overtaken = r.overtaken - excluded.workflow_run || case when r.workflow_run <> excluded.workflow_run
      then jsonb_build_object(r.workflow_run, 0) else '{}' end,
    attempts = r.attempts + case when r.status = 'running' and r.workflow_run = excluded.workflow_run
      and r.activity_attempt = excluded.activity_attempt and r.worker_id = excluded.worker_id then 0 else 1 end,
    crashes = r.crashes + case when r.status = 'running' and r.activity_attempt < excluded.activity_attempt
      and r.workflow_run = excluded.workflow_run then 1 else 0 end
  where r.status in ('pending', 'running') and coalesce(r.next_attempt_at <= statement_timestamp(), true)
    and ${isNotOvertaken(EXCLUDED)}
  returning tenant_id, trace_id, node_id, attempts, failures, crashes, limit_wait_ms, xmax = 0 as first)`;

/** The run of an attempt, and the attempt, as places of a statement. */
interface OvertakenAttempt {
  readonly traceId: RawBuilder<unknown>;
  readonly nodeId: RawBuilder<unknown>;
}

/**
 * Notes the attempt of `claimed` if it was refused as overtaken: a workflow run may be the living one all the same, in a
 * Temporal restored from a backup. Then Temporal makes a further attempt, of a higher number, and that one begins. Waits
 * for BEGIN_RUN as `begun`, and looks at nothing where the run has begun. SQL text for the same reason, and by the same
 * index.
 */
export function noteOvertaken({ traceId, nodeId }: OvertakenAttempt): RawBuilder<{ traceId: TraceId }> {
  return sql`(
  update agent_runs r set overtaken = r.overtaken || jsonb_build_object(c.workflow_run, c.activity_attempt)
  from claimed c
  where r.trace_id = ${traceId} and r.node_id = ${nodeId} and r.status in ('pending', 'running')
    and not exists (select from begun) and not ${isNotOvertaken(sql.raw('c'))}
  returning r.trace_id)`;
}
