import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Expression, QueryCreator } from 'kysely';
import type { TraceId } from '../../domain/ids.ts';
import { call, column, constant, type Sql } from '../../entities/insert-from.ts';
import type { ColumnTables } from '../../entities/statements/column-tables.ts';
import { givenRows, Statement, statements } from '../../entities/statements/given-rows.ts';
import { type EventRow, NO_TRACE, TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';
import type { NewTraceEvent } from './notes.ts';

/** A statement in its two forms: one that writes the trace, and one that leaves it out. */
export function traced<Row>(build: (trace: TraceParts) => Expression<Row>): (trace: TraceParts) => Statement<Row> {
  const written = new Statement(() => build(TRACE));
  const leftOut = new Statement(() => build(NO_TRACE));
  return (trace) => (trace === TRACE ? written : leftOut);
}

/** What happened, in a statement's table `happened`, before it has its number. */
export interface Happened {
  readonly trace_id: TraceId;
  /** The order within its trace. */
  readonly ord: number;
  readonly type: string;
  readonly node_id: string | null;
  readonly data: unknown;
  /** Null for the moment at which it is written. */
  readonly at: Date | null;
}

/** How many events each trace gets. */
export function counted(q: QueryCreator<{ happened: Happened }>) {
  return q
    .selectFrom('happened')
    .groupBy('trace_id')
    .select(({ fn }) => ['trace_id', fn.countAll<number>().as('count')]);
}

/** Locks the traces in the order of their ids: without it writers of the same traces wait for each other in a ring. */
export function locked(
  q: QueryCreator<ColumnTables & { counted: { trace_id: TraceId; count: number } }>,
): Expression<{ trace_id: TraceId; count: number }> {
  return q
    .selectFrom('agent_traces as r')
    .innerJoin('counted as c', 'c.trace_id', 'r.id')
    .where('r.status', '=', 'running')
    .select(['r.id as trace_id', 'c.count'])
    .orderBy('r.id')
    .forNoKeyUpdate('r');
}

export function numbered(trace: TraceParts, set: Readonly<Record<string, Sql>> = {}) {
  return () => trace.numbersFor('locked', { count: column('locked.count'), set });
}

/** Gives each event its number: the first of its trace and its place behind it. */
export function placed(
  q: QueryCreator<{ happened: Happened; numbered: { trace_id: TraceId; tenant_id: string; seq: number } }>,
) {
  return q
    .selectFrom('happened as h')
    .innerJoin('numbered as n', 'n.trace_id', 'h.trace_id')
    .select(['h.trace_id', 'n.tenant_id', 'h.type', 'h.node_id', 'h.data', 'h.at'])
    .select((eb) => {
      const place = eb.fn.agg<number>('row_number').over((over) => over.partitionBy('h.trace_id').orderBy('h.ord'));
      return eb(eb('n.seq', '+', place), '-', eb.lit(1)).as('seq');
    });
}

const OF_PLACED: EventRow = {
  seq: call('int4', column('seq')),
  type: column('type'),
  nodeId: column('node_id'),
  data: column('data'),
  at: call('coalesce', column('at'), call('clock_timestamp')),
};

export function noted(trace: TraceParts) {
  return () => trace.eventRowsFrom('placed', OF_PLACED);
}

/** The events that the program gives, as a table of the statement. */
export const givenEvents = () =>
  givenRows<Omit<Happened, 'ord'>>('events', {
    ...{ trace_id: 'uuid', type: 'text', node_id: 'text', data: 'jsonb', at: 'timestamptz' },
  });

const append = (set: Readonly<Record<string, Sql>>) =>
  new Statement(() =>
    statements
      .with('happened', givenEvents)
      .with('counted', counted)
      .with('locked', locked)
      .with('numbered', numbered(TRACE, set))
      .with('placed', placed)
      .with('noted', noted(TRACE))
      .selectFrom('numbered')
      .select('trace_id'),
  );

const APPEND = append({});
const APPEND_STRETCH = append({ stretch_tries: constant(0, 'integer') });

/** Events of one trace, in their order. */
export interface TraceEvents {
  readonly traceId: TraceId;
  readonly events: readonly NewTraceEvent[];
}

/** Events as rows for `givenRows`. */
export function eventRows({ traceId, events }: TraceEvents): object[] {
  return events.map(({ type, nodeId, data, at }) => ({
    ...{ trace_id: traceId, type, node_id: nodeId ?? null, data: data ?? null, at: at ?? null },
  }));
}

/** Adds events at the end of their traces, of many as of one. Nothing is added to a trace that has ended. */
export async function appendEvents(em: SqlEntityManager, traces: readonly TraceEvents[]): Promise<void> {
  const events = traces.flatMap(eventRows);
  if (events.length > 0) await APPEND.run(em, { events });
}

/** The same for the events of stretches, which count as written with them. */
export async function appendStretches(em: SqlEntityManager, traces: readonly TraceEvents[]): Promise<void> {
  const events = traces.flatMap(eventRows);
  if (events.length > 0) await APPEND_STRETCH.run(em, { events });
}

/** Counts that a stretch of quick nodes begins, and says how many began since one was last written. */
export async function beginStretch(em: SqlEntityManager, traceId: TraceId): Promise<number> {
  const row = await em
    .getKysely<ColumnTables>()
    .updateTable('agent_traces')
    .set((eb) => ({ stretch_tries: eb('stretch_tries', '+', 1) }))
    .where('id', '=', traceId)
    .where('status', '=', 'running')
    .returning('stretch_tries')
    .executeTakeFirst();
  return row?.stretch_tries ?? 1;
}
