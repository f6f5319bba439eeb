import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Outcome } from '../../domain/graphs/kinds.ts';
import type { TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import type { RunStatus } from '../../domain/traces/trace-status.ts';
import { readDateOrNull } from '../read-row.ts';
import type { ColumnTables } from '../statements/column-tables.ts';
import { AgentRun } from './agent-run.ts';
import type { StoredValue } from './artifact-repository.ts';

export interface RunRecord {
  readonly nodeId: string;
  readonly agent: string;
  readonly kind: string;
  readonly status: RunStatus;
  readonly attempts: number;
  readonly outcome: Outcome | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly output: StoredValue;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Reads the runs of a trace: one row a node. What happens to them is written by `operations/record/`. */
export class RunRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  async list(traceId: TraceId, nodeIds?: readonly string[]): Promise<RunRecord[]> {
    const rows = await this.#em
      .getKysely<ColumnTables>()
      .selectFrom('agent_runs')
      .select(['node_id', 'agent', 'kind', 'status', 'attempts', 'outcome', 'started_at', 'finished_at', 'output'])
      .select(['output_artifact_id', 'error_code', 'error_text'])
      .where('trace_id', '=', traceId)
      .$if(nodeIds !== undefined, (query) =>
        query.where((eb) => eb('node_id', '=', eb.fn.any(eb.val([...(nodeIds ?? [])])))),
      )
      .orderBy('started_at', (order) => order.asc().nullsLast())
      .orderBy('finished_at')
      .orderBy('node_id')
      .execute();
    return rows.map((row) => ({
      nodeId: row.node_id,
      agent: row.agent,
      kind: row.kind,
      status: row.status,
      attempts: row.attempts,
      outcome: row.outcome,
      startedAt: readDateOrNull(row.started_at),
      finishedAt: readDateOrNull(row.finished_at),
      output: { json: row.output === null ? null : JSON.stringify(row.output), artifactId: row.output_artifact_id },
      error: row.error_code === null ? null : { code: row.error_code, message: row.error_text ?? row.error_code },
    }));
  }

  /** The run of a node with its attempts; null before the first. */
  find(traceId: TraceId, nodeId: string): Promise<AgentRun | null> {
    return this.#em.findOne(AgentRun, { traceId, nodeId });
  }

  /**
   * Whether an attempt of a node may still leave something behind: its task is open under its claim, and the run has
   * neither ended, nor been given back to wait, nor been begun by a later attempt. A quick node has no row until then.
   */
  async isCurrent(execution: ExecutionRef, nodeId: string, attempt: number): Promise<boolean> {
    const { taskId, fence, traceId } = execution;
    const task = await this.#em
      .getKysely<ColumnTables>()
      .selectFrom('tasks')
      .select('id')
      .where('id', '=', taskId)
      .where('fence', '=', fence)
      .where('status', 'in', OPEN_TASK_STATUSES)
      .where((eb) => {
        const run = eb
          .selectFrom('agent_runs')
          .select('id')
          .where('trace_id', '=', traceId)
          .where('node_id', '=', nodeId);
        return eb.not(
          eb.exists(run.where((eb) => eb.or([eb('attempts', '<>', attempt), eb('status', '<>', 'running')]))),
        );
      })
      .executeTakeFirst();
    return task !== undefined;
  }
}
