import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type Expression, expressionBuilder, type QueryCreator } from 'kysely';
import type { ArtifactId, TaskId, TraceId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { deadLetterReason } from '../../domain/tasks/dead-letter.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import {
  isTerminalTaskStatus,
  OPEN_TASK_STATUSES,
  type TaskStatus,
  type TerminalTaskStatus,
} from '../../domain/tasks/task-status.ts';
import { auditRowsFrom } from '../../entities/audit/audit-rows.ts';
import { call, column, constant, jsonOf } from '../../entities/insert-from.ts';
import { givenRows } from '../../entities/statements/given-values.ts';
import { named } from '../../entities/statements/named-parts.ts';
import { Statement } from '../../entities/statements/statement.ts';
import { outboxRowsFrom } from '../../entities/system/outbox-rows.ts';
import type { Tables } from '../../entities/tables.ts';
import { readFailure } from '../../entities/tasks/task-record.ts';
import { TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';
import { traced } from '../../entities/traces/traced-statement.ts';
import type { NewTraceEvent, StandingEnd, TaskEnd } from './notes.ts';
import { eventRows, GIVEN_EVENTS, type GivenEvent, noted } from './write-events.ts';

/** The end of a task with the events that come before its last one. */
export interface EndedTask {
  readonly end: TaskEnd;
  readonly events?: readonly NewTraceEvent[];
  /** Whether its workflow may still be open: then the relay terminates it. Default: no. */
  readonly terminate?: boolean;
}

/** How many events a trace gets before its last one. */
interface Counted {
  readonly eventCount: number;
}

interface GivenEnd extends Counted {
  readonly taskId: TaskId;
  readonly fence: number;
  readonly traceId: TraceId;
  readonly traceNumber: number;
  readonly status: TerminalTaskStatus;
  readonly error: JsonObject | null;
  readonly output: string | null;
  readonly outputArtifactId: string | null;
  readonly reply: string;
  readonly router: JsonObject | null;
  readonly dead: string | null;
  readonly terminate: boolean;
}

const GIVEN = {
  ends: givenRows<GivenEnd>({
    ...{ taskId: 'uuid', fence: 'bigint', traceId: 'uuid', traceNumber: 'int', status: 'text', error: 'jsonb' },
    ...{ output: 'text', outputArtifactId: 'uuid', reply: 'text', router: 'jsonb', dead: 'text', terminate: 'boolean' },
    ...{ eventCount: 'int' },
  }),
  events: GIVEN_EVENTS,
};

/** A trace that ends. */
interface Closed extends Counted {
  readonly traceId: TraceId;
  readonly status: string;
  readonly error: JsonObject | null;
  readonly reply: string;
  readonly router: JsonObject | null;
}

function lockedToClose(q: QueryCreator<Tables & { ended: Closed }>) {
  return q
    .selectFrom('agent_traces as r')
    .innerJoin('ended as e', 'e.traceId', 'r.id')
    .where('r.status', '=', 'running')
    .select(['r.id as traceId', 'e.status', 'e.error', 'e.reply', 'e.router', 'e.eventCount'])
    .select((eb) => eb('e.eventCount', '+', 1).as('count'))
    .orderBy('r.id')
    .forNoKeyUpdate('r');
}

interface Numbered extends Counted {
  readonly traceId: TraceId;
  readonly tenantId: string;
  readonly status: string;
  readonly error: unknown;
  readonly seq: number;
}

function closed(trace: TraceParts) {
  const set = {
    status: column('locked.status'),
    finishedAt: call('now'),
    error: column('locked.error'),
    replyText: column('locked.reply'),
    routerJson: column('locked.router'),
    stretchTries: constant(0, 'integer'),
  };
  const count = column('locked.count');
  return () => trace.numbersFor('locked', { count, set }).returning('locked.eventCount').$castTo<Numbered>();
}

/** The events of the traces that end, and behind them the end of each. */
function closing(q: QueryCreator<{ events: GivenEvent; numbered: Numbered }>) {
  return q
    .selectFrom('events as h')
    .innerJoin('numbered as n', 'n.traceId', 'h.traceId')
    .select(['h.traceId', 'n.tenantId', 'h.type', 'h.nodeId', 'h.data', 'h.at'])
    .select((eb) => eb('n.seq', '+', eb.ref('h.place')).as('seq'))
    .unionAll((eb) =>
      eb
        .selectFrom('numbered as n')
        .select(['n.traceId', 'n.tenantId'])
        .select((eb) => [
          eb.cast<string>(call('concat', constant('trace.', 'text'), column('n.status')), 'text').as('type'),
          eb.cast<string | null>(eb.val(null), 'text').as('nodeId'),
          'n.error as data',
          eb.cast<Date | null>(eb.val(null), 'timestamptz').as('at'),
          eb('n.seq', '+', eb.ref('n.eventCount')).as('seq'),
        ]),
    );
}

/** What a task ends with that was asked to end before it had. */
const CANCELLED: Failure = { code: 'task_cancelled', message: 'The task was cancelled.' };

/** The tasks that are to end, in one order, and before their traces: no two writers wait for each other in a ring. */
function current(q: QueryCreator<Tables & { given: GivenEnd & { ord: number } }>) {
  return q
    .selectFrom('tasks as t')
    .innerJoin('given as g', (join) => join.onRef('g.taskId', '=', 't.id').onRef('g.fence', '=', 't.fence'))
    .selectAll('g')
    .select((eb) => [
      ...(['t.status as statusBefore', 't.error as errorBefore'] as const),
      eb
        .and([eb('g.status', '<>', 'cancelled'), eb('t.cancelRequestedAt', 'is not', null)])
        .$castTo<boolean>()
        .as('isCancelled'),
    ])
    .orderBy('t.id')
    .forNoKeyUpdate('t');
}

const chosen = expressionBuilder<{ c: { isCancelled: boolean } }, 'c'>();

/** What a task came to, unless a cancel was accepted before. */
function unlessCancelled<Value>(value: Expression<unknown>, cancelled: Expression<unknown> = chosen.lit(null)) {
  return chosen.case().when('c.isCancelled', '=', true).then(cancelled).else(value).end().$castTo<Value>();
}

/** Ends those that are open. A cancel that was accepted before wins, whatever the task came to. */
function ended(q: QueryCreator<Tables & { current: GivenEnd & { isCancelled: boolean; statusBefore: TaskStatus } }>) {
  return q
    .updateTable('tasks as t')
    .from('current as c')
    .set((eb) => ({
      status: unlessCancelled<TerminalTaskStatus>(eb.ref('c.status'), constant('cancelled', 'text')),
      completedAt: eb.fn<Date>('now'),
      heldAt: null,
      error: unlessCancelled<JsonObject | null>(eb.ref('c.error'), eb.cast(jsonOf({ ...CANCELLED }), 'jsonb')),
      output: unlessCancelled<Json>(eb.cast('c.output', 'jsonb')),
      outputArtifactId: unlessCancelled<ArtifactId | null>(eb.ref('c.outputArtifactId')),
      deadLetterReason: unlessCancelled<string | null>(eb.ref('c.dead')),
      deadLetteredAt: unlessCancelled<Date | null>(
        eb.case().when('c.dead', 'is not', null).then(eb.fn<Date>('now')).end(),
      ),
    }))
    .whereRef('t.id', '=', 'c.taskId')
    .where('c.statusBefore', 'in', OPEN_TASK_STATUSES)
    .returning(['t.id', 't.tenantId', 't.userId', 't.status', 't.error'])
    .returning(['c.traceId', 'c.traceNumber', 'c.terminate', 'c.eventCount'])
    .returning((eb) => unlessCancelled<string>(eb.ref('c.reply'), constant('', 'text')).as('reply'))
    .returning((eb) => unlessCancelled<JsonObject | null>(eb.ref('c.router')).as('router'));
}

const END = traced(GIVEN, ({ ends, events }, trace) =>
  named
    .with('given', () => ends)
    .with('current', current)
    .with('ended', ended)
    .with('freed', (q) => q.deleteFrom('concurrency_slots as s').using('ended as e').whereRef('s.taskId', '=', 'e.id'))
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
    .with('events', () => events)
    .with('locked', lockedToClose)
    .with('numbered', closed(trace))
    .with('placed', closing)
    .with('noted', noted(trace))
    .main.selectFrom('current as c')
    .leftJoin('ended as e', 'e.id', 'c.taskId')
    .select((eb) => [
      'c.taskId as id',
      eb.fn.coalesce('e.status', 'c.statusBefore').as('status'),
      eb.case().when('e.id', 'is', null).then(eb.ref('c.errorBefore')).else(eb.ref('e.error')).end().as('error'),
      eb('e.id', 'is not', null).$castTo<boolean>().as('isNew'),
    ]),
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
    return { status: row.status, failure: readFailure(row.error), isNew: row.isNew };
  });
}

function givenEnd({ end, terminate = false, events = [] }: EndedTask): GivenEnd {
  const { execution, status, failure, output, reply, router = null } = end;
  return {
    taskId: execution.taskId,
    fence: execution.fence,
    traceId: execution.traceId,
    traceNumber: execution.traceNumber,
    status,
    error: failure === null ? null : { ...failure },
    output: output.json,
    outputArtifactId: output.artifactId,
    reply,
    router,
    dead: deadLetterReason(status, failure),
    terminate,
    eventCount: events.length,
  };
}

const GIVEN_CLOSED = {
  traces: givenRows<Closed>({
    traceId: 'uuid',
    status: 'text',
    error: 'jsonb',
    reply: 'text',
    router: 'jsonb',
    eventCount: 'int',
  }),
  events: GIVEN_EVENTS,
};

const CLOSE = new Statement(GIVEN_CLOSED, ({ traces, events }) =>
  named
    .with('ended', () => traces)
    .with('events', () => events)
    .with('locked', lockedToClose)
    .with('numbered', closed(TRACE))
    .with('placed', closing)
    .with('noted', noted(TRACE))
    .main.selectFrom('numbered')
    .select('traceId'),
);

/** Ends a trace whose task has ended without it, with these events and its last one. One that has ended is left alone. */
export async function closeTrace(
  em: SqlEntityManager,
  traceId: TraceId,
  end: Pick<TaskEnd, 'status' | 'failure'> & { readonly events?: readonly NewTraceEvent[] },
): Promise<void> {
  const { status, failure, events = [] } = end;
  const error = failure === null ? null : { ...failure };
  const traces = [{ traceId, status, error, reply: '', router: null, eventCount: events.length }];
  await CLOSE.run(em, { traces, events: eventRows({ traceId, events }) });
}
