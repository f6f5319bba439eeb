import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type RawBuilder, sql } from 'kysely';
import type { Outcome } from '../../domain/graphs/kinds.ts';
import type { TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { OPEN_TASK_STATUSES, type TaskStatus } from '../../domain/tasks/task-status.ts';
import type { RunStatus, SettledRunStatus } from '../../domain/traces/trace-status.ts';
import type { RunEnd, RunSubject } from './run-repository.ts';

/**
 * How a run stands when an attempt comes to it. `begun`: the handler is to be called. `settled`: the run has ended
 * before, the attempt repeats its end; `taskStatus` tells whether the task has ended with it. `overtaken`: another attempt
 * has the run, this one may come again. `stale`: the task has ended otherwise or was claimed anew, no attempt may go on.
 */
export type RunBeginning =
  | {
      readonly kind: 'begun';
      /** The attempt's number, by which all that follows is written. */
      readonly number: number;
      /** Whether this is the first attempt ever. */
      readonly first: boolean;
      /** Attempts that the handler failed so far. */
      readonly failures: number;
      /** Attempts that never reported an end. */
      readonly crashes: number;
      /** How long the run has waited for limits. */
      readonly limitWaitMs: number;
      /** The attempt before this one, when this one found it without an end. */
      readonly lost: LostAttempt | null;
    }
  | {
      readonly kind: 'settled';
      readonly status: SettledRunStatus;
      readonly attempts: number;
      readonly outcome: Outcome | null;
      readonly error: RunEnd['error'];
      readonly taskStatus: TaskStatus;
    }
  /** The run waits for its next attempt, so much longer: after a failure, or for a limit. */
  | { readonly kind: 'waiting'; readonly waitMs: number }
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'stale' };

/** An attempt that never reported an end, and the process that ran it. */
export interface LostAttempt {
  readonly number: number;
  readonly process: string | null;
}

/** Which attempt of which activity begins the run, where, and whether the trace's event is written with it. */
export interface AttemptNote {
  /** The workflow's run. After a reset, or after Temporal lost its data, the same node is begun from another one. */
  readonly workflowRun: string;
  /** The activity's attempt within it. It begins at 1 again where somebody resets the activity or restores Temporal. */
  readonly activityAttempt: number;
  /** The process that begins it. */
  readonly process: string;
  readonly record: boolean;
}

/** An attempt of a run, by the number that its beginning gave it. */
export interface RunAttempt {
  readonly traceId: TraceId;
  readonly nodeId: string;
  readonly number: number;
}

/** How long a run is to wait for a limit now, how long its attempt has already, and how long it may in total. */
interface LimitWait {
  readonly waitMs: number;
  readonly waitedMs: number;
  readonly mostMs: number;
}

/** The rows of an attempt that is under way and that none has overtaken. */
function isRunning({ traceId, nodeId, number }: RunAttempt): RawBuilder<boolean> {
  return sql<boolean>`trace_id = ${traceId} and node_id = ${nodeId} and status = 'running' and attempts = ${number}`;
}

/** Of the row `r`: see {@link AttemptRepository.begin}. */
function isNotOvertaken({ workflowRun, activityAttempt }: AttemptNote): RawBuilder<boolean> {
  return sql<boolean>`case when r.overtaken ? ${workflowRun}::text
    then (r.overtaken ->> ${workflowRun}::text)::int between 1 and ${activityAttempt}::int - 1
    else r.status = 'pending' or r.workflow_run is distinct from ${workflowRun}
      or r.activity_attempt <= ${activityAttempt} end`;
}

const OPEN = sql.join(OPEN_TASK_STATUSES.map((status) => sql.lit(status)));

/** The attempts of runs, from their beginning to how they were given up; their ends are {@link RunRepository}'s. */
export class AttemptRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Notes that an attempt begins, gives it its number, and writes its event when `record` is set: one statement. The row
   * numbers attempts from 1, whatever Temporal's numbers are: they count those that never came here, and go back where an
   * activity is reset. Repeating it, after a commit whose answer was lost, changes nothing. An attempt that is found
   * without an end counts as lost when the same workflow run begins a later one; one from another workflow run is
   * overtaken and does not count. One that comes before its time waits. No event is written after a wait for a limit.
   *
   * An attempt is refused as overtaken while a later one of its own workflow run is under way, and when another workflow
   * run has taken the run over since. It is noted, because its workflow run may be the living one all the same, in a
   * Temporal restored from a backup: then Temporal makes a further attempt, of a higher number, and that one begins.
   */
  async begin(execution: ExecutionRef, subject: RunSubject, attempt: AttemptNote): Promise<RunBeginning> {
    const { workflowRun, activityAttempt } = attempt;
    const result = await sql<BeginRow>`
      with open as (
        select id, tenant_id from muster.tasks
        where id = ${execution.taskId} and fence = ${execution.fence} and status in (${OPEN})
      ), before as (
        select status, attempts, crashes, worker_id,
          limited or status = 'running' and workflow_run = ${workflowRun} and activity_attempt = ${activityAttempt}
            and worker_id = ${attempt.process} as told
        from muster.agent_runs where trace_id = ${execution.traceId} and node_id = ${subject.nodeId}
      ), begun as (
        insert into muster.agent_runs as r (id, tenant_id, trace_id, node_id, agent, kind, status, attempts, started_at,
          workflow_run, activity_attempt, worker_id)
        select gen_random_uuid(), tenant_id, ${execution.traceId}, ${subject.nodeId}, ${subject.agent}, ${subject.kind},
          'running', 1, clock_timestamp(), ${workflowRun}, ${activityAttempt}, ${attempt.process} from open
        on conflict (trace_id, node_id) do update set status = 'running', next_attempt_at = null,
          workflow_run = excluded.workflow_run, activity_attempt = excluded.activity_attempt,
          worker_id = excluded.worker_id, limited = false,
          overtaken = r.overtaken - ${workflowRun}::text || case when r.workflow_run <> ${workflowRun}
            then jsonb_build_object(r.workflow_run, 0) else '{}' end,
          attempts = r.attempts + case when r.status = 'running' and r.workflow_run = ${workflowRun}
            and r.activity_attempt = ${activityAttempt} and r.worker_id = ${attempt.process} then 0 else 1 end,
          crashes = r.crashes + case when r.status = 'running' and r.activity_attempt < ${activityAttempt}
            and r.workflow_run = ${workflowRun} then 1 else 0 end
        where r.status in ('pending', 'running')
          and (r.next_attempt_at is null or r.next_attempt_at <= statement_timestamp())
          and ${isNotOvertaken(attempt)}
        returning status, attempts, failures, crashes, limit_wait_ms, outcome, xmax = 0 as first
      ), refused as (
        update muster.agent_runs r set overtaken = overtaken || jsonb_build_object(${workflowRun}::text, ${activityAttempt}::int)
        where trace_id = ${execution.traceId} and node_id = ${subject.nodeId} and status in ('pending', 'running')
          and not exists (select from begun) and exists (select from open)
          and not ${isNotOvertaken(attempt)}
      ), placed as (
        update muster.agent_traces set next_seq = next_seq + 1
        where id = ${execution.traceId} and status = 'running' and ${attempt.record} and exists (select from begun)
          and not exists (select from before where told)
        returning id, tenant_id, next_seq - 1 as seq
      ), noted as (
        insert into muster.trace_events (trace_id, seq, tenant_id, type, node_id, data, at)
        select p.id, p.seq, p.tenant_id, case when b.first then 'run.started' else 'run.retried' end, ${subject.nodeId},
          jsonb_build_object('attempt', b.attempts, 'crashes', b.crashes), clock_timestamp()
        from placed p, begun b
      )
      select b.status, b.attempts, b.failures, b.crashes, b.outcome, b.first, null as task_status, null::float8 as wait_ms,
        case when b.crashes > l.crashes then l.attempts end as lost_number, l.worker_id as lost_process,
        b.limit_wait_ms::float8, null as error_code, null as error_text
      from begun b left join before l on true
      union all
      select r.status, r.attempts, r.failures, r.crashes, r.outcome, false, t.status,
        extract(epoch from r.next_attempt_at - statement_timestamp()) * 1000, null, null, 0,
        r.error_code, r.error_text
      from muster.tasks t left join muster.agent_runs r
        on r.trace_id = ${execution.traceId} and r.node_id = ${subject.nodeId}
      where t.id = ${execution.taskId} and t.fence = ${execution.fence} and not exists (select from begun)
        and (r.finished_at is not null or t.status in (${OPEN}))`.execute(this.#em.getKysely());
    return readBeginning(result.rows[0]);
  }

  /** Notes that an attempt failed and that another one will follow after the wait. */
  async retryLater(run: RunAttempt, error: RunEnd['error'], waitMs: number): Promise<void> {
    await sql`
      update muster.agent_runs set status = 'pending', failures = failures + 1,
        next_attempt_at = clock_timestamp() + make_interval(secs => ${waitMs / 1_000}),
        error_code = ${error?.code ?? null}, error_text = ${error?.message ?? null}
      where ${isRunning(run)}`.execute(this.#em.getKysely());
  }

  /** Notes that an attempt was given up through no fault of the handler: it counts neither as failure nor as lost. */
  async giveBack(run: RunAttempt): Promise<void> {
    await sql`update muster.agent_runs set status = 'pending' where ${isRunning(run)}`.execute(this.#em.getKysely());
  }

  /** Notes that an attempt was lost, and how, by the attempt itself. Nothing changes where a later one has counted it. */
  async giveUpAsLost(run: RunAttempt, how: string): Promise<void> {
    await sql`update muster.agent_runs set status = 'pending', crashes = crashes + 1,
        losses = losses || jsonb_build_object(${String(run.number)}::text, ${how}::text)
      where ${isRunning(run)}`.execute(this.#em.getKysely());
  }

  /**
   * Notes that a run waits for a rate limit, which counts neither as failure nor as lost. False when it would wait for
   * more than `mostMs` in total, and its task has no deadline that ends the waiting: then nothing is noted.
   */
  async waitForLimit(run: RunAttempt, execution: ExecutionRef, wait: LimitWait): Promise<boolean> {
    const moreMs = Math.ceil(wait.waitMs + wait.waitedMs);
    const result = await sql<{ id: string }>`
      with waiting as (
        update muster.agent_runs set status = 'pending', limited = true, limit_wait_ms = limit_wait_ms + ${moreMs},
          next_attempt_at = clock_timestamp() + make_interval(secs => ${wait.waitMs / 1_000})
        where ${isRunning(run)} and (limit_wait_ms + ${moreMs} <= ${Math.floor(wait.mostMs)}
          or exists (select from muster.tasks where id = ${execution.taskId} and deadline_at is not null))
        returning id
      )
      select id from waiting
      union all
      select id from muster.agent_runs where trace_id = ${run.traceId} and node_id = ${run.nodeId}
        and not (status = 'running' and attempts = ${run.number}) and not exists (select from waiting)`.execute(
      this.#em.getKysely(),
    );
    return result.rows.length > 0;
  }

  /**
   * Notes how an attempt was lost that a later one found without an end. A process that has beaten within the last 15
   * seconds, or that still holds a connection to this database, has not died: then its heartbeat was missed. What the
   * process itself has said before stays.
   */
  async judgeLoss({ traceId, nodeId }: Omit<RunAttempt, 'number'>, lost: LostAttempt): Promise<void> {
    await sql`
      update muster.agent_runs set losses = losses || jsonb_build_object(${String(lost.number)}::text, case
        when exists (select from muster.agent_leases where process = ${lost.process} and ended_at is null
            and renewed_at > now() - interval '15 seconds')
          or exists (select from pg_stat_activity where datname = current_database()
            and application_name = left('muster ' || ${lost.process}::text, 63)) then 'heartbeat_missed'
        else 'handler_crashed' end)
      where trace_id = ${traceId} and node_id = ${nodeId} and not losses ? ${String(lost.number)}::text`.execute(
      this.#em.getKysely(),
    );
  }

  /** Lets a process say how its own attempt was, or will be, lost. */
  async explainLoss({ traceId, nodeId, number }: RunAttempt, how: string): Promise<void> {
    await sql`
      update muster.agent_runs set losses = losses || jsonb_build_object(${String(number)}::text, ${how}::text)
      where trace_id = ${traceId} and node_id = ${nodeId} and finished_at is null`.execute(this.#em.getKysely());
  }

  /** How the lost attempts of a run were lost: a code for each. */
  async losses(traceId: TraceId, nodeId: string): Promise<string[]> {
    const result = await sql<{ how: string }>`
      select l.value as how from muster.agent_runs r, jsonb_each_text(r.losses) l
      where r.trace_id = ${traceId} and r.node_id = ${nodeId} and l.key::int < r.attempts
      order by l.key::int`.execute(this.#em.getKysely());
    return result.rows.map((row) => row.how);
  }

  /**
   * Whether an attempt of a node may still leave something behind: its task is open under its claim, and the run has
   * neither ended, nor been given back to wait, nor been begun by a later attempt. A quick node has no row until then.
   */
  async isCurrent(execution: ExecutionRef, nodeId: string, attempt: number): Promise<boolean> {
    const result = await sql<{ id: string }>`
      select t.id from muster.tasks t
      where t.id = ${execution.taskId} and t.fence = ${execution.fence} and t.status in (${OPEN})
        and not exists (select from muster.agent_runs r where r.trace_id = ${execution.traceId}
          and r.node_id = ${nodeId} and (r.attempts <> ${attempt} or r.status <> 'running'))`.execute(
      this.#em.getKysely(),
    );
    return result.rows.length === 1;
  }

  /** How many attempts of a node were lost, the last one included that was left running. */
  async crashes(traceId: TraceId, nodeId: string): Promise<number> {
    const result = await sql<{ crashes: number }>`
      select crashes + case when status = 'running' then 1 else 0 end as crashes from muster.agent_runs
      where trace_id = ${traceId} and node_id = ${nodeId}`.execute(this.#em.getKysely());
    return result.rows[0]?.crashes ?? 0;
  }
}

interface BeginRow {
  /** Null where there is no row yet. */
  readonly status: RunStatus | null;
  readonly attempts: number;
  readonly failures: number;
  readonly crashes: number;
  readonly outcome: Outcome | null;
  readonly first: boolean;
  readonly task_status: TaskStatus | null;
  readonly wait_ms: number | null;
  readonly lost_number: number | null;
  readonly lost_process: string | null;
  readonly limit_wait_ms: number;
  readonly error_code: string | null;
  readonly error_text: string | null;
}

function readBeginning(row: BeginRow | undefined): RunBeginning {
  if (row === undefined) return { kind: 'stale' };
  const { failures, crashes, first, attempts, outcome, task_status: taskStatus } = row;
  if (taskStatus === null) {
    const lost = row.lost_number === null ? null : { number: row.lost_number, process: row.lost_process };
    return { kind: 'begun', number: attempts, first, failures, crashes, limitWaitMs: row.limit_wait_ms, lost };
  }
  if (row.status === 'pending' && (row.wait_ms ?? 0) > 0)
    return { kind: 'waiting', waitMs: Math.ceil(row.wait_ms ?? 1) };
  if (row.status === null || row.status === 'pending' || row.status === 'running') return { kind: 'overtaken' };
  const error = row.error_code === null ? null : { code: row.error_code, message: row.error_text ?? row.error_code };
  return { kind: 'settled', status: row.status, attempts, outcome, error, taskStatus };
}
