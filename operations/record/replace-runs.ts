import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { call } from '../../entities/insert-from.ts';
import { givenRows, Statement, statements } from '../../entities/statements/given-rows.ts';
import { inMs } from '../../entities/statements/time-expressions.ts';
import { latencyOf } from '../../entities/traces/statements/latency.ts';
import type { RunLeft } from './notes.ts';

/** What the runs of an execution came to. */
export interface ReplacedRuns {
  readonly execution: ExecutionRef;
  readonly ends: readonly RunLeft[];
}

interface GivenRun {
  readonly task_id: TaskId;
  readonly fence: number;
  readonly tenant_id: TenantId;
  readonly trace_id: TraceId;
  readonly node_id: string;
  readonly agent: string;
  readonly kind: string;
  readonly status: string;
  readonly attempts: number;
  readonly failures: number;
  readonly outcome: string | null;
  readonly output: string | null;
  readonly output_artifact_id: string | null;
  readonly error_code: string | null;
  readonly error_text: string | null;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly wait_ms: number | null;
}

const givenRuns = () =>
  givenRows<GivenRun>('runs', {
    ...{ task_id: 'uuid', fence: 'bigint', tenant_id: 'text', trace_id: 'uuid', node_id: 'text', agent: 'text' },
    ...{ kind: 'text', status: 'text', attempts: 'int', failures: 'int', outcome: 'text', output: 'text' },
    ...{ output_artifact_id: 'uuid', error_code: 'text', error_text: 'text', started_at: 'timestamptz' },
    ...{ finished_at: 'timestamptz', wait_ms: 'float8' },
  });

const COPIED = [
  ...(['tenant_id', 'trace_id', 'node_id', 'agent', 'kind', 'status', 'attempts', 'failures', 'outcome'] as const),
  ...(['output_artifact_id', 'error_code', 'error_text', 'started_at', 'finished_at'] as const),
] as const;

const REPLACE = new Statement(() =>
  statements
    .with('given', givenRuns)
    .with('claimed', (q) =>
      q
        .selectFrom('tasks as t')
        .where('t.id', 'in', (eb) => eb.selectFrom('given').select('task_id'))
        .where((eb) =>
          eb.exists(eb.selectFrom('given as g').whereRef('g.task_id', '=', 't.id').whereRef('g.fence', '=', 't.fence')),
        )
        .select(['t.id', 't.fence'])
        .orderBy('t.id')
        .forNoKeyUpdate('t'),
    )
    .with('current', (q) =>
      q
        .selectFrom('given as g')
        .innerJoin('claimed as c', (join) => join.onRef('c.id', '=', 'g.task_id').onRef('c.fence', '=', 'g.fence'))
        .selectAll('g'),
    )
    .with('removed', (q) =>
      q
        .deleteFrom('agent_runs as r')
        .using('current as c')
        .whereRef('r.trace_id', '=', 'c.trace_id')
        .whereRef('r.node_id', '=', 'c.node_id')
        .where('r.finished_at', 'is', null)
        .returning('r.id'),
    )
    .with('written', (q) =>
      q
        .insertInto('agent_runs')
        .columns(['id', ...COPIED, 'output', 'latency_ms', 'next_attempt_at'])
        .expression((eb) =>
          eb
            .selectFrom('current as c')
            .select((eb) => [
              call('gen_random_uuid').as('id'),
              ...COPIED.map((name) => eb.ref(`c.${name}`).as(name)),
              eb.cast(eb.ref('c.output'), 'jsonb').as('output'),
              latencyOf(eb.ref('c.started_at'), eb.ref('c.finished_at')).as('latency_ms'),
              inMs(eb.ref('c.wait_ms')).as('next_attempt_at'),
            ])
            // The old rows go first, whatever the planner would do.
            .where((eb) => eb(eb.selectFrom('removed').select(eb.fn.countAll().as('count')), '>=', 0))
            .orderBy('c.trace_id')
            .orderBy('c.node_id'),
        )
        .onConflict((conflict) => conflict.columns(['trace_id', 'node_id']).doNothing())
        .returning(['trace_id', 'node_id']),
    )
    .selectFrom('current as c')
    .leftJoin('written as w', (join) =>
      join.onRef('w.trace_id', '=', 'c.trace_id').onRef('w.node_id', '=', 'c.node_id'),
    )
    .select((eb) => ['c.trace_id', 'c.node_id', eb('w.node_id', 'is not', null).as('is_written')]),
);

/**
 * Replaces the open rows of these runs by their ends, or by how they wait: delete and insert in one statement, so that
 * either the old rows or the new ones are there. A run that has ended keeps its end, and nothing is written under a stale
 * fence. The tasks stay locked, in the order of their ids, until the unit of work ends.
 * @returns of each execution the nodes whose rows were written by this call; null under a stale fence
 */
export async function replaceRuns(
  em: SqlEntityManager,
  replaced: readonly ReplacedRuns[],
): Promise<readonly (ReadonlySet<string> | null)[]> {
  const runs = replaced.flatMap(({ execution, ends }) => ends.map((end) => givenRun(execution, end)));
  const rows = runs.length === 0 ? [] : await REPLACE.run(em, { runs });
  const byTrace = Map.groupBy(rows, (row) => row.trace_id);
  return replaced.map(({ execution, ends }) => {
    if (ends.length === 0) return new Set();
    const own = byTrace.get(execution.traceId);
    return own === undefined ? null : new Set(own.filter((row) => row.is_written).map((row) => row.node_id));
  });
}

function givenRun(execution: ExecutionRef, end: RunLeft): GivenRun {
  return {
    task_id: execution.taskId,
    fence: execution.fence,
    tenant_id: execution.tenant,
    trace_id: execution.traceId,
    node_id: end.nodeId,
    agent: end.agent,
    kind: end.kind,
    status: end.status,
    attempts: end.attempts,
    failures: end.failures,
    outcome: end.outcome,
    output: end.output.json,
    output_artifact_id: end.output.artifactId,
    error_code: end.error?.code ?? null,
    error_text: end.error?.message ?? null,
    started_at: end.startedAt,
    finished_at: end.finishedAt,
    wait_ms: end.status === 'pending' ? end.waitMs : null,
  };
}
