import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Outcome } from '../../domain/graphs/kinds.ts';
import type { TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import type { RunStatus, SettledRunStatus } from '../../domain/traces/trace-status.ts';
import { readDateOrNull } from '../read-row.ts';
import type { StoredValue } from './artifact-repository.ts';
import { latencyOf } from './latency.ts';

/** Which node, as its row names it. */
export interface RunSubject {
  readonly nodeId: string;
  readonly agent: string;
  readonly kind: string;
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

/** A run whose attempt failed and that another one will follow. */
export interface RunWait extends Omit<RunEnd, 'status' | 'finishedAt'> {
  readonly status: 'pending';
  readonly finishedAt: null;
  readonly waitMs: number;
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

/** The runs of a trace: one row a node. */
export class RunRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
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
        latency_ms = ${latencyOf(sql`clock_timestamp() - r.started_at`)}
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

  /**
   * Replaces the open rows of these nodes by their ends, or by how they wait: delete and insert in one statement, so that either the old rows
   * or the new ones are there. A run that has ended keeps its end. False when one had: then somebody else has written
   * it, or this very call before its answer was lost, and the caller has to look again before it goes on.
   */
  async replace(execution: ExecutionRef, ends: readonly (RunEnd | RunWait)[]): Promise<boolean> {
    return (await this.replaceOpen(execution, ends)).size === ends.length;
  }

  /** The same, where it does not matter who wrote which end. @returns the nodes whose ends were written by this call */
  async replaceOpen(execution: ExecutionRef, ends: readonly (RunEnd | RunWait)[]): Promise<ReadonlySet<string>> {
    if (ends.length === 0) return new Set();
    const rows = JSON.stringify(ends.map(replacementRow));
    const result = await sql<{ node_id: string }>`
      with removed as (
        delete from muster.agent_runs where trace_id = ${execution.traceId} and finished_at is null
          and node_id = any(${ends.map((end) => end.nodeId)}::text[]) returning node_id
      )
      insert into muster.agent_runs (id, tenant_id, trace_id, node_id, agent, kind, status, attempts, failures, outcome,
        output, output_artifact_id, error_code, error_text, started_at, finished_at, latency_ms, next_attempt_at)
      select gen_random_uuid(), ${execution.tenant}, ${execution.traceId}, e.node_id, e.agent, e.kind, e.status,
        e.attempts, e.failures, e.outcome, e.output, e.output_artifact_id, e.error_code, e.error_text, e.started_at,
        e.finished_at, ${latencyOf(sql`e.finished_at - e.started_at`)},
        clock_timestamp() + make_interval(secs => e.wait_ms / 1000)
      from jsonb_to_recordset(${rows}::jsonb) as e(node_id text, agent text, kind text, status text, attempts int,
        failures int, outcome text, output jsonb, output_artifact_id uuid, error_code text, error_text text,
        started_at timestamptz, finished_at timestamptz, wait_ms float8)
      where (select count(*) from removed) >= 0
      on conflict (trace_id, node_id) do nothing
      returning node_id`.execute(this.#em.getKysely());
    return new Set(result.rows.map((row) => row.node_id));
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

function replacementRow(end: RunEnd | RunWait): Record<string, unknown> {
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
    wait_ms: end.status === 'pending' ? end.waitMs : null,
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
