import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Outcome } from '../../domain/graphs/kinds.ts';
import type { TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { OPEN_TASK_STATUSES, type TaskStatus } from '../../domain/tasks/status.ts';
import type { RunStatus, SettledRunStatus } from '../../domain/traces/status.ts';
import { readDateOrNull } from '../read-row.ts';
import type { StoredValue } from './artifact-repository.ts';

/** Which node, as its row names it. */
export interface RunSubject {
  readonly nodeId: string;
  readonly agent: string;
  readonly kind: string;
}

/**
 * How a run stands when an attempt comes to it. `begun`: the handler is to be called. `settled`: the run has ended
 * before, the attempt repeats its end; `taskStatus` tells whether the task has ended with it. `stale`: the task has ended
 * otherwise or was claimed anew, the attempt must not go on.
 */
export type RunBeginning =
  | {
      readonly kind: 'begun';
      /** Whether this is the first attempt ever. */
      readonly first: boolean;
      /** Attempts that the handler failed so far. */
      readonly failures: number;
      /** Attempts that never reported an end: their worker died. */
      readonly crashes: number;
    }
  | {
      readonly kind: 'settled';
      readonly status: SettledRunStatus;
      readonly attempts: number;
      readonly outcome: Outcome | null;
      readonly taskStatus: TaskStatus;
    }
  | { readonly kind: 'stale' };

/** Which attempt begins, and whether the trace's event is written with it. */
export interface AttemptNote {
  readonly number: number;
  readonly record: boolean;
}

/** The end of a run. */
export interface RunEnd extends RunSubject {
  readonly status: SettledRunStatus;
  readonly attempts: number;
  readonly failures: number;
  readonly outcome: Outcome | null;
  readonly output: StoredValue;
  readonly error: { code: string; message: string } | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date;
}

export interface RunRecord extends RunSubject {
  readonly status: RunStatus;
  readonly attempts: number;
  readonly outcome: Outcome | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly output: StoredValue;
  readonly error: { code: string; message: string } | null;
}

const OPEN = sql.join(OPEN_TASK_STATUSES.map((status) => sql.lit(status)));

/** The runs of a trace: one row a node. */
export class RunRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Notes that an attempt begins, with its event when `record` is set: one statement. A run that is found running by a
   * later attempt was left by a worker that died: it counts as a crash. An attempt that a later one has overtaken is
   * stale. Repeating it, after a commit whose answer was lost, changes nothing.
   */
  async begin(execution: ExecutionRef, subject: RunSubject, attempt: AttemptNote): Promise<RunBeginning> {
    const result = await sql<BeginRow>`
      with open as (
        select id, tenant_id from muster.tasks
        where id = ${execution.taskId} and fence = ${execution.fence} and status in (${OPEN})
      ), before as (
        select attempts from muster.agent_runs where trace_id = ${execution.traceId} and node_id = ${subject.nodeId}
      ), begun as (
        insert into muster.agent_runs as r (id, tenant_id, trace_id, node_id, agent, kind, status, attempts, started_at)
        select gen_random_uuid(), tenant_id, ${execution.traceId}, ${subject.nodeId}, ${subject.agent}, ${subject.kind},
          'running', ${attempt.number}, clock_timestamp() from open
        on conflict (trace_id, node_id) do update set status = 'running', attempts = ${attempt.number},
          crashes = r.crashes + case when r.status = 'running' and r.attempts < ${attempt.number} then 1 else 0 end
        where r.status in ('pending', 'running') and r.attempts <= ${attempt.number}
        returning status, attempts, failures, crashes, outcome, xmax = 0 as first
      ), placed as (
        update muster.agent_traces set next_seq = next_seq + 1
        where id = ${execution.traceId} and status = 'running' and ${attempt.record} and exists (select from begun)
          and not exists (select from before where attempts = ${attempt.number})
        returning id, tenant_id, next_seq - 1 as seq
      ), noted as (
        insert into muster.trace_events (trace_id, seq, tenant_id, type, node_id, data, at)
        select p.id, p.seq, p.tenant_id, case when b.first then 'run.started' else 'run.retried' end, ${subject.nodeId},
          jsonb_build_object('attempt', b.attempts, 'crashes', b.crashes), clock_timestamp()
        from placed p, begun b
      )
      select status, attempts, failures, crashes, outcome, first, null as task_status from begun
      union all
      select r.status, r.attempts, r.failures, r.crashes, r.outcome, false, t.status
      from muster.agent_runs r join muster.tasks t on t.id = ${execution.taskId} and t.fence = ${execution.fence}
      where r.trace_id = ${execution.traceId} and r.node_id = ${subject.nodeId} and r.finished_at is not null
        and not exists (select from begun)`.execute(this.#em.getKysely());
    return readBeginning(result.rows[0]);
  }

  /**
   * Writes the end of an attempt's run under the attempt's number, with its event when `record` is set: one statement.
   * False when a later attempt has taken over: what this one found is thrown away. Repeating it, after a commit whose
   * answer was lost, changes nothing and is true again.
   */
  async end(execution: ExecutionRef, end: RunEnd, { record }: { record: boolean }): Promise<boolean> {
    const data = JSON.stringify({ attempt: end.attempts, ...end.error });
    const result = await sql<{ id: string }>`
      with ended as (
      update muster.agent_runs r set status = ${end.status}, failures = ${end.failures}, outcome = ${end.outcome},
        output = ${end.output.json}::jsonb, output_artifact_id = ${end.output.artifactId},
        error_code = ${end.error?.code ?? null}, error_text = ${end.error?.message ?? null},
        finished_at = clock_timestamp(),
        latency_ms = (extract(epoch from clock_timestamp() - r.started_at) * 1000)::int
      where r.trace_id = ${execution.traceId} and r.node_id = ${end.nodeId} and r.status = 'running'
        and r.attempts = ${end.attempts}
        and exists (select from muster.tasks t where t.id = ${execution.taskId} and t.fence = ${execution.fence})
      returning id
      ), placed as (
        update muster.agent_traces set next_seq = next_seq + 1
        where id = ${execution.traceId} and status = 'running' and ${record} and exists (select from ended)
        returning id, tenant_id, next_seq - 1 as seq
      ), noted as (
        insert into muster.trace_events (trace_id, seq, tenant_id, type, node_id, data, at)
        select id, seq, tenant_id, ${end.status === 'ok' ? 'run.completed' : 'run.failed'}, ${end.nodeId}, ${data}::jsonb,
          clock_timestamp() from placed
      )
      select id from ended
      union all
      select r.id from muster.agent_runs r join muster.tasks t on t.id = ${execution.taskId}
      where r.trace_id = ${execution.traceId} and r.node_id = ${end.nodeId} and r.attempts = ${end.attempts}
        and r.status = ${end.status} and t.fence = ${execution.fence} and not exists (select from ended)`.execute(
      this.#em.getKysely(),
    );
    return result.rows.length === 1;
  }

  /** Notes that an attempt failed and another one will follow. */
  async retryLater(traceId: TraceId, nodeId: string, attempt: number, error: RunEnd['error']): Promise<void> {
    await sql`
      update muster.agent_runs set status = 'pending', failures = failures + 1,
        error_code = ${error?.code ?? null}, error_text = ${error?.message ?? null}
      where trace_id = ${traceId} and node_id = ${nodeId} and status = 'running' and attempts = ${attempt}`.execute(
      this.#em.getKysely(),
    );
  }

  /** Notes that an attempt was given up through no fault of the handler: it counts neither as failure nor as crash. */
  async giveBack(traceId: TraceId, nodeId: string, attempt: number): Promise<void> {
    await sql`update muster.agent_runs set status = 'pending'
      where trace_id = ${traceId} and node_id = ${nodeId} and status = 'running' and attempts = ${attempt}`.execute(
      this.#em.getKysely(),
    );
  }

  /**
   * Whether an attempt of a node may still leave something behind: its task is open under its claim, and the run has
   * neither ended nor been begun by a later attempt.
   */
  async isCurrent(execution: ExecutionRef, nodeId: string, attempt: number): Promise<boolean> {
    const result = await sql<{ id: string }>`
      select t.id from muster.tasks t
      where t.id = ${execution.taskId} and t.fence = ${execution.fence} and t.status in (${OPEN})
        and not exists (select from muster.agent_runs r where r.trace_id = ${execution.traceId}
          and r.node_id = ${nodeId} and (r.attempts > ${attempt} or r.finished_at is not null))`.execute(
      this.#em.getKysely(),
    );
    return result.rows.length === 1;
  }

  /** How many workers have died while they ran a node, the last one included that left it running. */
  async crashes(traceId: TraceId, nodeId: string): Promise<number> {
    const result = await sql<{ crashes: number }>`
      select crashes + case when status = 'running' then 1 else 0 end as crashes from muster.agent_runs
      where trace_id = ${traceId} and node_id = ${nodeId}`.execute(this.#em.getKysely());
    return result.rows[0]?.crashes ?? 0;
  }

  /**
   * Replaces the open rows of these nodes by their ends: delete and insert in one statement, so that either the old rows
   * or the new ones are there. A run that has ended keeps its end. False when one had: then somebody else has written
   * it, or this very call before its answer was lost, and the caller has to look again before it goes on.
   */
  async replace(execution: ExecutionRef, ends: readonly RunEnd[]): Promise<boolean> {
    if (ends.length === 0) return true;
    const rows = JSON.stringify(ends.map(replacementRow));
    const result = await sql<{ id: string }>`
      with removed as (
        delete from muster.agent_runs where trace_id = ${execution.traceId} and finished_at is null
          and node_id = any(${ends.map((end) => end.nodeId)}::text[]) returning node_id
      )
      insert into muster.agent_runs (id, tenant_id, trace_id, node_id, agent, kind, status, attempts, failures, outcome,
        output, output_artifact_id, error_code, error_text, started_at, finished_at, latency_ms)
      select gen_random_uuid(), ${execution.tenant}, ${execution.traceId}, e.node_id, e.agent, e.kind, e.status,
        e.attempts, e.failures, e.outcome, e.output, e.output_artifact_id, e.error_code, e.error_text, e.started_at,
        e.finished_at, (extract(epoch from e.finished_at - e.started_at) * 1000)::int
      from jsonb_to_recordset(${rows}::jsonb) as e(node_id text, agent text, kind text, status text, attempts int,
        failures int, outcome text, output jsonb, output_artifact_id uuid, error_code text, error_text text,
        started_at timestamptz, finished_at timestamptz)
      where (select count(*) from removed) >= 0
      on conflict (trace_id, node_id) do nothing
      returning id`.execute(this.#em.getKysely());
    return result.rows.length === ends.length;
  }

  async list(traceId: TraceId, nodeIds?: readonly string[]): Promise<RunRecord[]> {
    const result = await sql<Record<string, unknown>>`
      select node_id, agent, kind, status, attempts, outcome, started_at, finished_at, output, output_artifact_id,
        error_code, error_text
      from muster.agent_runs where trace_id = ${traceId}
        and (${nodeIds ?? null}::text[] is null or node_id = any(${nodeIds ?? null}::text[]))
      order by started_at nulls last, finished_at, node_id`.execute(this.#em.getKysely());
    return result.rows.map(readRun);
  }
}

interface BeginRow {
  readonly status: RunStatus;
  readonly attempts: number;
  readonly failures: number;
  readonly crashes: number;
  readonly outcome: Outcome | null;
  readonly first: boolean;
  readonly task_status: TaskStatus | null;
}

function readBeginning(row: BeginRow | undefined): RunBeginning {
  if (row === undefined) return { kind: 'stale' };
  const { failures, crashes, first, attempts, outcome, task_status: taskStatus } = row;
  if (taskStatus === null) return { kind: 'begun', first, failures, crashes };
  return { kind: 'settled', status: row.status as SettledRunStatus, attempts, outcome, taskStatus };
}

function replacementRow(end: RunEnd): Record<string, unknown> {
  return {
    node_id: end.nodeId,
    agent: end.agent,
    kind: end.kind,
    status: end.status,
    attempts: end.attempts,
    failures: end.failures,
    outcome: end.outcome,
    output: end.output.json === null ? null : JSON.parse(end.output.json),
    output_artifact_id: end.output.artifactId,
    error_code: end.error?.code ?? null,
    error_text: end.error?.message ?? null,
    started_at: end.startedAt,
    finished_at: end.finishedAt,
  };
}

function readRun(row: Record<string, unknown>): RunRecord {
  const code = row.error_code as string | null;
  return {
    nodeId: row.node_id as string,
    agent: row.agent as string,
    kind: row.kind as string,
    status: row.status as RunStatus,
    attempts: row.attempts as number,
    outcome: row.outcome as Outcome | null,
    startedAt: readDateOrNull(row.started_at as string | null),
    finishedAt: readDateOrNull(row.finished_at as string | null),
    output: {
      json: row.output === null ? null : JSON.stringify(row.output),
      artifactId: row.output_artifact_id as string | null,
    },
    error: code === null ? null : { code, message: (row.error_text as string | null) ?? code },
  };
}
