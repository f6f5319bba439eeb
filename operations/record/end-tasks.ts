import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { QueryCreator, SqlBool } from 'kysely';
import type { ArtifactId, TaskId, TraceId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { deadLetterReason } from '../../domain/tasks/dead-letter.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { isTerminalTaskStatus, OPEN_TASK_STATUSES, type TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { auditRowsFrom } from '../../entities/audit/audit-rows.ts';
import { call, column, constant, jsonOf } from '../../entities/insert-from.ts';
import type { ColumnTables } from '../../entities/statements/column-tables.ts';
import { givenRows, Statement, statements } from '../../entities/statements/given-rows.ts';
import { outboxRowsFrom } from '../../entities/system/outbox-rows.ts';
import { readFailure } from '../../entities/tasks/task-record.ts';
import { TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';
import type { NewTraceEvent, StandingEnd, TaskEnd } from './notes.ts';
import { counted, eventRows, givenEvents, type Happened, noted, numbered, placed, traced } from './write-events.ts';

/** The end of a task with the events that come before its last one. */
export interface EndedTask {
  readonly end: TaskEnd;
  readonly events?: readonly NewTraceEvent[];
  /** Whether its workflow may still be open: then the relay terminates it. Default: no. */
  readonly terminate?: boolean;
}

interface GivenEnd {
  readonly task_id: TaskId;
  readonly fence: number;
  readonly trace_id: TraceId;
  readonly trace_number: number;
  readonly status: TerminalTaskStatus;
  readonly error: Json;
  readonly output: string | null;
  readonly output_artifact_id: string | null;
  readonly reply: string;
  readonly dead: string | null;
  readonly terminate: boolean;
}

const givenEnds = () =>
  givenRows<GivenEnd>('ends', {
    ...{ task_id: 'uuid', fence: 'bigint', trace_id: 'uuid', trace_number: 'int', status: 'text', error: 'jsonb' },
    ...{ output: 'text', output_artifact_id: 'uuid', reply: 'text', dead: 'text', terminate: 'boolean' },
  });

/** Behind every event that is given. */
const LAST = 2_147_483_647;

/** A trace that ends. */
interface Closed {
  readonly trace_id: TraceId;
  readonly status: string;
  readonly error: Json;
  readonly reply: string;
}

/** The events of the traces that end, and behind them the end of each. */
function closing(q: QueryCreator<{ ended: Closed; events: Happened }>) {
  return q
    .selectFrom('events as h')
    .innerJoin('ended as e', 'e.trace_id', 'h.trace_id')
    .selectAll('h')
    .unionAll((eb) =>
      eb
        .selectFrom('ended as e')
        .select((eb) => [
          'e.trace_id',
          eb.cast<string>(call('concat', constant('trace.', 'text'), column('e.status')), 'text').as('type'),
          eb.cast<string | null>(eb.val(null), 'text').as('node_id'),
          eb.cast<unknown>('e.error', 'jsonb').as('data'),
          eb.cast<Date | null>(eb.val(null), 'timestamptz').as('at'),
          eb.cast<number>(eb.val(LAST), 'bigint').as('ord'),
        ]),
    );
}

function lockedToClose(
  q: QueryCreator<ColumnTables & { ended: Closed; counted: { trace_id: TraceId; count: number } }>,
) {
  return q
    .selectFrom('agent_traces as r')
    .innerJoin('counted as c', 'c.trace_id', 'r.id')
    .innerJoin('ended as e', 'e.trace_id', 'r.id')
    .where('r.status', '=', 'running')
    .select(['r.id as trace_id', 'c.count', 'e.status', 'e.error', 'e.reply'])
    .orderBy('r.id')
    .forNoKeyUpdate('r');
}

const CLOSED = {
  status: column('locked.status'),
  finished_at: call('now'),
  error: column('locked.error'),
  reply_text: column('locked.reply'),
  stretch_tries: constant(0, 'integer'),
};

/** What a task ends with that was asked to end before it had. */
const CANCELLED: Failure = { code: 'task_cancelled', message: 'The task was cancelled.' };

/** The tasks that are to end, in one order, and before their traces: no two writers wait for each other in a ring. */
function current(q: QueryCreator<ColumnTables & { given: GivenEnd & { ord: number } }>) {
  return q
    .selectFrom('tasks as t')
    .innerJoin('given as g', (join) => join.onRef('g.task_id', '=', 't.id').onRef('g.fence', '=', 't.fence'))
    .where('t.status', 'in', OPEN_TASK_STATUSES)
    .selectAll('g')
    .select((eb) =>
      eb.and([eb('g.status', '<>', 'cancelled'), eb('t.cancel_requested_at', 'is not', null)]).as('is_cancelled'),
    )
    .orderBy('t.id')
    .forNoKeyUpdate('t');
}

/** How a task ends in its row. */
interface Decided extends Omit<GivenEnd, 'output' | 'fence'> {
  readonly output: Json;
}

/** What each task ends as. A cancel that was accepted before wins, whatever the task came to. */
function decided(q: QueryCreator<{ current: GivenEnd & { is_cancelled: SqlBool } }>) {
  return q
    .selectFrom('current as c')
    .where('c.is_cancelled', '=', false)
    .select(['task_id', 'trace_id', 'trace_number', 'terminate', 'status', 'error', 'reply', 'dead'])
    .select((eb) => [eb.cast<Json>('output', 'jsonb').as('output'), 'output_artifact_id'])
    .unionAll((eb) =>
      eb
        .selectFrom('current as c')
        .where('c.is_cancelled', '=', true)
        .select(['task_id', 'trace_id', 'trace_number', 'terminate'])
        .select([
          eb.cast<TerminalTaskStatus>(eb.val('cancelled'), 'text').as('status'),
          eb.cast<Json>(jsonOf({ ...CANCELLED }), 'jsonb').as('error'),
          eb.cast<string>(eb.val(''), 'text').as('reply'),
          eb.cast<string | null>(eb.val(null), 'text').as('dead'),
          eb.cast<Json>(eb.val(null), 'jsonb').as('output'),
          eb.cast<string | null>(eb.val(null), 'uuid').as('output_artifact_id'),
        ]),
    );
}

function ended(q: QueryCreator<ColumnTables & { decided: Decided }>) {
  return q
    .updateTable('tasks as t')
    .from('decided as d')
    .set((eb) => ({
      status: eb.ref('d.status'),
      completed_at: eb.fn<Date>('now'),
      error: eb.ref('d.error'),
      output: eb.ref('d.output'),
      output_artifact_id: eb.ref('d.output_artifact_id').$castTo<ArtifactId | null>(),
      dead_letter_reason: eb.ref('d.dead'),
      dead_lettered_at: eb.case().when('d.dead', 'is not', null).then(eb.fn<Date>('now')).end(),
    }))
    .whereRef('t.id', '=', 'd.task_id')
    .where('t.status', 'in', OPEN_TASK_STATUSES)
    .returning(['t.id', 't.tenant_id', 't.user_id', 't.status', 't.error'])
    .returning(['d.trace_id', 'd.trace_number', 'd.reply', 'd.terminate']);
}

const END = traced((trace) =>
  statements
    .with('given', givenEnds)
    .with('current', current)
    .with('decided', decided)
    .with('ended', ended)
    .with('freed', (q) => q.deleteFrom('concurrency_slots as s').using('ended as e').whereRef('s.task_id', '=', 'e.id'))
    .with('audited', () =>
      auditRowsFrom('ended', {
        actor: 'worker',
        action: call('concat', constant('task.', 'text'), column('status')),
        subjectType: 'task',
        details: { trace: column('trace_id') },
      }),
    )
    .with('announced', () => outboxRowsFrom('ended', { topic: 'task.finished', payload: { user: column('user_id') } }))
    .with('terminated', () =>
      outboxRowsFrom(
        { from: 'ended', where: column('terminate') },
        { topic: 'task.killed', payload: { traceNumber: column('trace_number') } },
      ),
    )
    .with('events', givenEvents)
    .with('happened', closing)
    .with('counted', counted)
    .with('locked', lockedToClose)
    .with('numbered', numbered(trace, CLOSED))
    .with('placed', placed)
    .with('noted', noted(trace))
    .selectFrom('ended as e')
    .select((eb) => ['e.id', 'e.status', 'e.error', eb.lit<boolean>(true).as('is_new')])
    .unionAll((eb) =>
      eb
        .selectFrom('tasks as t')
        .innerJoin('given as g', (join) => join.onRef('g.task_id', '=', 't.id').onRef('g.fence', '=', 't.fence'))
        .where('t.status', 'not in', OPEN_TASK_STATUSES)
        .select((eb) => ['t.id', 't.status', 't.error', eb.lit<boolean>(false).as('is_new')]),
    ),
);

/**
 * Ends tasks under their claims' fences: the row of each, dead-lettered if it failed, its audit row, its outgoing event, its
 * slots, and its trace with its last events: one statement, all or none. A cancel that was accepted before wins: then the
 * task ends as cancelled, whatever it came to. The lock of its row says which came first.
 * @returns how each task stands, which is otherwise when it had ended before; null where the fence is stale
 */
export async function endTasks(
  em: SqlEntityManager,
  trace: TraceParts,
  ended: readonly EndedTask[],
): Promise<readonly (StandingEnd | null)[]> {
  const events = ended.flatMap(({ end, events }) =>
    eventRows({ traceId: end.execution.traceId, events: events ?? [] }),
  );
  const rows = await END(trace).run(em, { ends: ended.map(givenEnd), events });
  const standing = new Map(rows.map((row) => [row.id, row]));
  return ended.map(({ end }) => {
    const row = standing.get(end.execution.taskId);
    if (row === undefined || !isTerminalTaskStatus(row.status)) return null;
    return { status: row.status, failure: readFailure(row.error), isNew: row.is_new };
  });
}

function givenEnd({ end, terminate = false }: EndedTask): GivenEnd {
  const { execution, status, failure, output, reply } = end;
  return {
    task_id: execution.taskId,
    fence: execution.fence,
    trace_id: execution.traceId,
    trace_number: execution.traceNumber,
    status,
    error: failure === null ? null : { ...failure },
    output: output.json,
    output_artifact_id: output.artifactId,
    reply,
    dead: deadLetterReason(status, failure),
    terminate,
  };
}

const CLOSE = new Statement(() =>
  statements
    .with('ended', () =>
      givenRows<Closed>('ended', { trace_id: 'uuid', status: 'text', error: 'jsonb', reply: 'text' }),
    )
    .with('events', givenEvents)
    .with('happened', closing)
    .with('counted', counted)
    .with('locked', lockedToClose)
    .with('numbered', numbered(TRACE, CLOSED))
    .with('placed', placed)
    .with('noted', noted(TRACE))
    .selectFrom('numbered')
    .select('trace_id'),
);

/** Ends a trace whose task has ended without it, with these events and its last one. One that has ended is left alone. */
export async function closeTrace(
  em: SqlEntityManager,
  traceId: TraceId,
  end: Pick<TaskEnd, 'status' | 'failure'> & { readonly events?: readonly NewTraceEvent[] },
): Promise<void> {
  const { status, failure, events = [] } = end;
  const error = failure === null ? null : { ...failure };
  const ended = [{ trace_id: traceId, status, error, reply: '' }];
  await CLOSE.run(em, { ended, events: eventRows({ traceId, events }) });
}
