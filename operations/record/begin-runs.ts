import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { QueryCreator, SqlBool } from 'kysely';
import { isSettled } from '../../domain/graphs/graph-state.ts';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { isOpenTaskStatus, OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { column, jsonOf } from '../../entities/insert-from.ts';
import type { ColumnTables } from '../../entities/statements/column-tables.ts';
import { givenRows, type Statement, statements } from '../../entities/statements/given-rows.ts';
import { msUntil } from '../../entities/statements/time-expressions.ts';
import type { TraceParts } from '../../entities/traces/event-rows.ts';
import { BEGIN_RUNS, type BegunRow, NOTE_OVERTAKEN } from '../../entities/traces/statements/insert-begun-runs.ts';
import type { AttemptNote, RunBeginning, RunSubject } from './notes.ts';
import { counted, locked, noted, numbered, placed, traced } from './write-events.ts';

/** An attempt that comes to a run. */
export interface BeginningAttempt {
  readonly execution: ExecutionRef;
  readonly subject: RunSubject;
  readonly attempt: AttemptNote;
}

interface GivenAttempt {
  readonly task_id: TaskId;
  readonly fence: number;
  readonly trace_id: TraceId;
  readonly node_id: string;
  readonly agent: string;
  readonly kind: string;
  readonly workflow_run: string;
  readonly activity_attempt: number;
  readonly worker_id: string;
}

const givenAttempts = () =>
  givenRows<GivenAttempt>('attempts', {
    ...{ task_id: 'uuid', fence: 'bigint', trace_id: 'uuid', node_id: 'text', agent: 'text', kind: 'text' },
    ...{ workflow_run: 'text', activity_attempt: 'int', worker_id: 'text' },
  });

function before(q: QueryCreator<ColumnTables & { claimed: GivenAttempt & { ord: number } }>) {
  return (
    q
      .selectFrom('agent_runs as r')
      .innerJoin('claimed as c', (join) =>
        join.onRef('c.trace_id', '=', 'r.trace_id').onRef('c.node_id', '=', 'r.node_id'),
      )
      .select(['c.ord', 'r.attempts', 'r.crashes', 'r.worker_id'])
      // The log says already that this attempt begins; or is not to say it, after a wait for a limit.
      .select((eb) =>
        eb
          .or([
            eb('r.limited', '=', true),
            eb.and([
              eb('r.status', '=', 'running'),
              eb('r.workflow_run', '=', eb.ref('c.workflow_run')),
              eb('r.activity_attempt', '=', eb.ref('c.activity_attempt')),
              eb('r.worker_id', '=', eb.ref('c.worker_id')),
            ]),
          ])
          .as('is_told'),
      )
  );
}

function beginnings(
  q: QueryCreator<{
    claimed: GivenAttempt & { ord: number };
    begun: BegunRow;
    before: { ord: number; is_told: SqlBool };
  }>,
) {
  return q
    .selectFrom('begun as b')
    .innerJoin('claimed as c', (join) =>
      join.onRef('c.trace_id', '=', 'b.trace_id').onRef('c.node_id', '=', 'b.node_id'),
    )
    .leftJoin('before as l', 'l.ord', 'c.ord')
    .where((eb) => eb.fn.coalesce('l.is_told', eb.lit(false)), '=', false)
    .select((eb) => [
      ...(['c.ord', 'b.trace_id', 'b.node_id'] as const),
      eb.case().when('b.first', '=', true).then('run.started').else('run.retried').end().as('type'),
      jsonOf({ attempt: column('b.attempts'), crashes: column('b.crashes') }).as('data'),
      eb.cast<null>(eb.val(null), 'timestamptz').as('at'),
    ]);
}

const BEGIN = traced((trace) =>
  statements
    .with('given', givenAttempts)
    .with('claimed', (q) =>
      q
        .selectFrom('given as g')
        .innerJoin('tasks as t', (join) => join.onRef('t.id', '=', 'g.task_id').onRef('t.fence', '=', 'g.fence'))
        .where('t.status', 'in', OPEN_TASK_STATUSES)
        .selectAll('g')
        .select('t.tenant_id'),
    )
    .with('before', before)
    .with('begun', () => BEGIN_RUNS)
    .with('overtaken', () => NOTE_OVERTAKEN)
    .with('happened', beginnings)
    .with('counted', counted)
    .with('locked', locked)
    .with('numbered', numbered(trace))
    .with('placed', placed)
    .with('noted', noted(trace))
    .selectFrom('given as g')
    .leftJoin('begun as b', (join) => join.onRef('b.trace_id', '=', 'g.trace_id').onRef('b.node_id', '=', 'g.node_id'))
    .leftJoin('before as l', 'l.ord', 'g.ord')
    .leftJoin('tasks as t', (join) => join.onRef('t.id', '=', 'g.task_id').onRef('t.fence', '=', 'g.fence'))
    .leftJoin('agent_runs as r', (join) =>
      join.onRef('r.trace_id', '=', 'g.trace_id').onRef('r.node_id', '=', 'g.node_id'),
    )
    .orderBy('g.ord')
    .select(['b.attempts', 'b.first', 'b.failures', 'b.crashes'])
    .select((eb) => [
      eb.cast<number>('b.limit_wait_ms', 'float8').as('limit_wait_ms'),
      ...(['l.attempts as attempts_before', 'l.crashes as crashes_before', 'l.worker_id as process_before'] as const),
      ...(['t.status as task_status', 'r.status as run_status', 'r.attempts as run_attempts', 'r.outcome'] as const),
      ...(['r.error_code', 'r.error_text', 'r.finished_at'] as const),
      msUntil(eb.ref('r.next_attempt_at')).as('wait_ms'),
      eb('t.deadline_at', 'is not', null).as('has_deadline'),
    ]),
);

/**
 * Notes that attempts begin, gives each its number, and writes its event: one statement. Repeating it, after a commit whose
 * answer was lost, changes nothing. An attempt that comes before its time waits, and no event is written after a wait for
 * a limit. Each stands or falls for itself.
 */
export async function beginRuns(
  em: SqlEntityManager,
  trace: TraceParts,
  beginning: readonly BeginningAttempt[],
): Promise<readonly RunBeginning[]> {
  const attempts = beginning.map(givenAttempt);
  const rows = await BEGIN(trace).run(em, { attempts });
  return rows.map(readBeginning);
}

function givenAttempt({ execution, subject, attempt }: BeginningAttempt): GivenAttempt {
  return {
    task_id: execution.taskId,
    fence: execution.fence,
    trace_id: execution.traceId,
    node_id: subject.nodeId,
    agent: subject.agent,
    kind: subject.kind,
    workflow_run: attempt.workflowRun,
    activity_attempt: attempt.activityAttempt,
    worker_id: attempt.process,
  };
}

type BeginRow = ReturnType<typeof BEGIN> extends Statement<infer Row> ? Row : never;

function readBeginning(row: BeginRow): RunBeginning {
  return readBegun(row) ?? readRefusal(row);
}

function readBegun({ attempts, first, failures, crashes, ...row }: BeginRow): RunBeginning | null {
  if (attempts === null || failures === null || crashes === null) return null;
  const isLost = row.attempts_before !== null && row.crashes_before !== null && crashes > row.crashes_before;
  const lost = isLost ? { number: row.attempts_before ?? 0, process: row.process_before } : null;
  const limitWaitMs = row.limit_wait_ms ?? 0;
  const hasDeadline = Boolean(row.has_deadline);
  return { kind: 'begun', number: attempts, first: first === true, failures, crashes, limitWaitMs, hasDeadline, lost };
}

function readRefusal({ task_status: taskStatus, run_status: status, ...run }: BeginRow): RunBeginning {
  if (taskStatus === null) return { kind: 'stale' };
  if (status !== null && isSettled(status)) {
    const { error_code: code, error_text: text, outcome } = run;
    const error = code === null ? null : { code, message: text ?? code };
    return { kind: 'settled', status, attempts: run.run_attempts ?? 0, outcome, error, taskStatus };
  }
  if (!isOpenTaskStatus(taskStatus)) return { kind: 'stale' };
  const waitMs = Math.ceil(run.wait_ms ?? 0);
  return status === 'pending' && waitMs > 0 ? { kind: 'waiting', waitMs } : { kind: 'overtaken' };
}
