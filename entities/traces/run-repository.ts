import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Outcome } from '../../domain/graphs/kinds.ts';
import type { TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import type { RunStatus } from '../../domain/traces/trace-status.ts';
import { anyOf } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
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
  /** The trace in which it was carried out, where this one has only taken it over; null for one of its own. */
  readonly takenFrom: TraceId | null;
}

/** Reads the runs of a trace: one row a node. What happens to them is written by `operations/record/`. */
export class RunRepository extends Repository {
  async list(traceId: TraceId, nodeIds?: readonly string[]): Promise<RunRecord[]> {
    const rows = await runs(this.em)
      .where('r.traceId', '=', traceId)
      .$if(nodeIds !== undefined, (query) => query.where('r.nodeId', '=', anyOf(nodeIds ?? [])))
      .orderBy('r.startedAt', (order) => order.asc().nullsLast())
      .orderBy('r.finishedAt')
      .orderBy('r.nodeId')
      .execute();
    return rows.map(readRun);
  }

  /** The runs of many traces. Needs a system unit of work. */
  async listAll(traceIds: readonly TraceId[]): Promise<(RunRecord & { readonly traceId: TraceId })[]> {
    const rows = await runs(this.em).select('r.traceId').where('r.traceId', '=', anyOf(traceIds)).execute();
    return rows.map((row) => ({ ...readRun(row), traceId: row.traceId }));
  }

  /** The run of a node with its attempts; null before the first. */
  find(traceId: TraceId, nodeId: string): Promise<AgentRun | null> {
    return this.em.findOne(AgentRun, { traceId, nodeId });
  }

  /**
   * Whether an attempt of a node may still leave something behind: its task is open under its claim, and the run has
   * neither ended, nor been given back to wait, nor been begun by a later attempt. A quick node has no row until then.
   */
  async isCurrent(execution: ExecutionRef, nodeId: string, attempt: number): Promise<boolean> {
    const { taskId, fence, traceId } = execution;
    const task = await tables(this.em)
      .selectFrom('tasks')
      .select('id')
      .where('id', '=', taskId)
      .where('fence', '=', fence)
      .where('status', 'in', OPEN_TASK_STATUSES)
      .where((eb) => {
        const run = eb
          .selectFrom('agent_runs')
          .select('id')
          .where('traceId', '=', traceId)
          .where('nodeId', '=', nodeId);
        return eb.not(
          eb.exists(run.where((eb) => eb.or([eb('attempts', '<>', attempt), eb('status', '<>', 'running')]))),
        );
      })
      .executeTakeFirst();
    return task !== undefined;
  }
}

function runs(em: SqlEntityManager) {
  return (
    tables(em)
      .selectFrom('agent_runs as r')
      // The run that keeps its output, by agent_runs_trace_node_unique.
      .leftJoin('agent_runs as k', (join) =>
        join.onRef('k.traceId', '=', 'r.traceId').onRef('k.nodeId', '=', 'r.outputOf'),
      )
      .select(['r.nodeId', 'r.agent', 'r.kind', 'r.status', 'r.attempts', 'r.outcome', 'r.startedAt', 'r.finishedAt'])
      .select(['r.errorCode', 'r.errorText', 'r.takenFrom'])
      .select(({ fn }) => [
        fn.coalesce('r.output', 'k.output').as('output'),
        fn.coalesce('r.outputArtifactId', 'k.outputArtifactId').as('outputArtifactId'),
      ])
  );
}

type RunRow = Awaited<ReturnType<ReturnType<typeof runs>['execute']>>[number];

function readRun({ output, outputArtifactId: artifactId, errorCode, errorText, ...run }: RunRow): RunRecord {
  return {
    ...run,
    output: { json: output === null ? null : JSON.stringify(output), artifactId },
    error: errorCode === null ? null : { code: errorCode, message: errorText ?? errorCode },
  };
}
