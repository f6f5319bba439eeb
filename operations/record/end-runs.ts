import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { QueryCreator } from 'kysely';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import type { ColumnTables } from '../../entities/statements/column-tables.ts';
import { givenRows, statements } from '../../entities/statements/given-rows.ts';
import type { TraceParts } from '../../entities/traces/event-rows.ts';
import { latencyOf } from '../../entities/traces/statements/latency.ts';
import type { RunEnd } from './notes.ts';
import { counted, locked, noted, numbered, placed, traced } from './write-events.ts';

/** The end of a run, and of which execution. */
export interface EndedRun {
  readonly execution: ExecutionRef;
  readonly end: RunEnd;
}

/** A run's end as a statement is given it. */
interface GivenEnd {
  readonly task_id: TaskId;
  readonly fence: number;
  readonly trace_id: TraceId;
  readonly node_id: string;
  readonly status: string;
  readonly attempts: number;
  readonly failures: number;
  readonly outcome: string | null;
  readonly output: string | null;
  readonly output_artifact_id: string | null;
  readonly error_code: string | null;
  readonly error_text: string | null;
  readonly event: string;
  readonly data: unknown;
}

const givenEnds = () =>
  givenRows<GivenEnd>('ends', {
    ...{ task_id: 'uuid', fence: 'bigint', trace_id: 'uuid', node_id: 'text', status: 'text', attempts: 'int' },
    ...{ failures: 'int', outcome: 'text', output: 'text', output_artifact_id: 'uuid', error_code: 'text' },
    ...{ error_text: 'text', event: 'text', data: 'jsonb' },
  });

/** The runs that are to end, in one order: writers of the same runs do not wait for each other in a ring. */
function current(q: QueryCreator<ColumnTables & { claimed: GivenEnd & { ord: number } }>) {
  return q
    .selectFrom('agent_runs as r')
    .innerJoin('claimed as c', (join) =>
      join.onRef('c.trace_id', '=', 'r.trace_id').onRef('c.node_id', '=', 'r.node_id'),
    )
    .where('r.status', '=', 'running')
    .whereRef('r.attempts', '=', 'c.attempts')
    .select('r.id')
    .selectAll('c')
    .orderBy('r.trace_id')
    .orderBy('r.node_id')
    .forNoKeyUpdate('r');
}

/** Ends the runs; what it returns are their events. */
function endedRuns(q: QueryCreator<ColumnTables & { current: GivenEnd & { ord: number; id: string } }>) {
  return q
    .updateTable('agent_runs as r')
    .from('current as c')
    .set((eb) => ({
      status: eb.ref('c.status').$castTo<RunEnd['status']>(),
      failures: eb.ref('c.failures'),
      outcome: eb.ref('c.outcome').$castTo<RunEnd['outcome']>(),
      output: eb.cast(eb.ref('c.output'), 'jsonb'),
      output_artifact_id: eb.ref('c.output_artifact_id').$castTo<null>(),
      error_code: eb.ref('c.error_code'),
      error_text: eb.ref('c.error_text'),
      finished_at: eb.fn<Date>('clock_timestamp'),
      latency_ms: latencyOf(eb.ref('r.started_at'), eb.fn('clock_timestamp')),
    }))
    .whereRef('r.id', '=', 'c.id')
    .where('r.status', '=', 'running')
    .whereRef('r.attempts', '=', 'c.attempts')
    .returning((eb) => [
      ...(['c.ord', 'r.trace_id', 'r.node_id', 'c.event as type', 'c.data'] as const),
      eb.cast<null>(eb.val(null), 'timestamptz').as('at'),
    ]);
}

const END = traced((trace) =>
  statements
    .with('given', givenEnds)
    .with('claimed', (q) =>
      q
        .selectFrom('given as g')
        .innerJoin('tasks as t', (join) => join.onRef('t.id', '=', 'g.task_id').onRef('t.fence', '=', 'g.fence'))
        .selectAll('g'),
    )
    .with('current', current)
    .with('happened', endedRuns)
    .with('counted', counted)
    .with('locked', locked)
    .with('numbered', numbered(trace))
    .with('placed', placed)
    .with('noted', noted(trace))
    .selectFrom('happened')
    .select('ord')
    // One that had ended so before: this very call, whose answer was lost.
    .unionAll((eb) =>
      eb
        .selectFrom('claimed as c')
        .innerJoin('agent_runs as r', (join) =>
          join.onRef('r.trace_id', '=', 'c.trace_id').onRef('r.node_id', '=', 'c.node_id'),
        )
        .whereRef('r.attempts', '=', 'c.attempts')
        .whereRef('r.status', '=', 'c.status')
        .select('c.ord'),
    ),
);

/**
 * Writes ends of runs under the numbers of their attempts, with their events: one statement. Each stands or falls for
 * itself: false where a later attempt or claim has taken over. Repeating it is true again and changes nothing.
 */
export async function endRuns(
  em: SqlEntityManager,
  trace: TraceParts,
  ended: readonly EndedRun[],
): Promise<readonly boolean[]> {
  const rows = await END(trace).run(em, { ends: ended.map(givenEnd) });
  const written = new Set(rows.map(({ ord }) => Number(ord)));
  return ended.map((_, index) => written.has(index + 1));
}

function givenEnd({ execution, end }: EndedRun): GivenEnd {
  return {
    task_id: execution.taskId,
    fence: execution.fence,
    trace_id: execution.traceId,
    node_id: end.nodeId,
    status: end.status,
    attempts: end.attempts,
    failures: end.failures,
    outcome: end.outcome,
    output: end.output.json,
    output_artifact_id: end.output.artifactId,
    error_code: end.error?.code ?? null,
    error_text: end.error?.message ?? null,
    event: end.status === 'ok' ? 'run.completed' : 'run.failed',
    data: { attempt: end.attempts, ...end.error },
  };
}
