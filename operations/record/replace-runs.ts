import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TenantId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { call } from '../../entities/insert-from.ts';
import { givenRows } from '../../entities/statements/given-values.ts';
import { named } from '../../entities/statements/named-parts.ts';
import { Statement } from '../../entities/statements/statement.ts';
import { inMs } from '../../entities/statements/time-expressions.ts';
import { latencyOf } from '../../entities/traces/statements/latency.ts';
import { GIVEN_RUN, type GivenRun, givenRun } from './given-runs.ts';
import type { RunLeft } from './notes.ts';

/** What the runs of an execution came to. */
export interface ReplacedRuns {
  readonly execution: ExecutionRef;
  readonly ends: readonly RunLeft[];
}

/** A whole row as the statement is given it. */
interface GivenRow extends GivenRun {
  readonly tenantId: TenantId;
  readonly agent: string;
  readonly kind: string;
  readonly outputOf: string | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly waitMs: number | null;
}

const GIVEN = {
  runs: givenRows<GivenRow>({
    ...{ ...GIVEN_RUN, tenantId: 'text', agent: 'text', kind: 'text', outputOf: 'text' },
    ...{ startedAt: 'timestamptz', finishedAt: 'timestamptz', waitMs: 'float8' },
  }),
};

const COPIED = [
  ...(['tenantId', 'traceId', 'nodeId', 'agent', 'kind', 'status', 'attempts', 'failures', 'outcome'] as const),
  ...(['outputArtifactId', 'outputOf', 'errorCode', 'errorText', 'startedAt', 'finishedAt'] as const),
] as const;

const REPLACE = new Statement(GIVEN, ({ runs }) =>
  named
    .with('given', () => runs)
    .with('claimed', (q) =>
      q
        .selectFrom('tasks as t')
        .where('t.id', 'in', (eb) => eb.selectFrom('given').select('taskId'))
        .where((eb) =>
          eb.exists(eb.selectFrom('given as g').whereRef('g.taskId', '=', 't.id').whereRef('g.fence', '=', 't.fence')),
        )
        .select(['t.id', 't.fence'])
        .orderBy('t.id')
        .forNoKeyUpdate('t'),
    )
    .with('current', (q) =>
      q
        .selectFrom('given as g')
        .innerJoin('claimed as c', (join) => join.onRef('c.id', '=', 'g.taskId').onRef('c.fence', '=', 'g.fence'))
        .selectAll('g'),
    )
    .with('removed', (q) =>
      q
        .deleteFrom('agent_runs as r')
        .using('current as c')
        .whereRef('r.traceId', '=', 'c.traceId')
        .whereRef('r.nodeId', '=', 'c.nodeId')
        .where('r.finishedAt', 'is', null)
        .returning('r.id'),
    )
    .with('written', (q) =>
      q
        .insertInto('agent_runs')
        .columns(['id', ...COPIED, 'output', 'latencyMs', 'nextAttemptAt'])
        .expression((eb) =>
          eb
            .selectFrom('current as c')
            .select((eb) => [
              call('gen_random_uuid').as('id'),
              ...COPIED.map((name) => eb.ref(`c.${name}`).as(name)),
              eb.cast(eb.ref('c.output'), 'jsonb').as('output'),
              latencyOf(eb.ref('c.startedAt'), eb.ref('c.finishedAt')).as('latencyMs'),
              inMs(eb.ref('c.waitMs')).as('nextAttemptAt'),
            ])
            // The old rows go first, whatever the planner would do.
            .where((eb) => eb(eb.selectFrom('removed').select(eb.fn.countAll().as('count')), '>=', 0))
            .orderBy('c.traceId')
            .orderBy('c.nodeId'),
        )
        .onConflict((conflict) => conflict.columns(['traceId', 'nodeId']).doNothing())
        .returning(['traceId', 'nodeId']),
    )
    .main.selectFrom('current as c')
    .leftJoin('written as w', (join) => join.onRef('w.traceId', '=', 'c.traceId').onRef('w.nodeId', '=', 'c.nodeId'))
    .select((eb) => ['c.traceId', 'c.nodeId', eb('w.nodeId', 'is not', null).as('isWritten')]),
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
  const runs = replaced.flatMap(({ execution, ends }) => ends.map((end) => givenRow(execution, end)));
  const rows = runs.length === 0 ? [] : await REPLACE.run(em, { runs });
  const byTrace = Map.groupBy(rows, (row) => row.traceId);
  return replaced.map(({ execution, ends }) => {
    if (ends.length === 0) return new Set();
    const own = byTrace.get(execution.traceId);
    return own === undefined ? null : new Set(own.filter((row) => row.isWritten).map((row) => row.nodeId));
  });
}

function givenRow(execution: ExecutionRef, run: RunLeft): GivenRow {
  const { agent, kind, outputOf = null } = run;
  return {
    ...{ ...givenRun(execution, run), tenantId: execution.tenant, agent, kind, outputOf },
    ...{ startedAt: run.startedAt, finishedAt: run.finishedAt },
    waitMs: run.status === 'pending' ? run.waitMs : null,
  };
}
