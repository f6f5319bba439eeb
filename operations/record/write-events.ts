import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Expression, QueryCreator } from 'kysely';
import type { TraceId } from '../../domain/ids.ts';
import { call, column, constant, type Sql } from '../../entities/insert-from.ts';
import { givenRows } from '../../entities/statements/given-values.ts';
import { named } from '../../entities/statements/named-parts.ts';
import { Statement } from '../../entities/statements/statement.ts';
import type { Tables } from '../../entities/tables.ts';
import { type EventRow, TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';
import type { NewTraceEvent } from './notes.ts';

/** What happened, in a statement's table `happened`, before it has its number. */
export interface Happened {
  readonly traceId: TraceId;
  /** The order within its trace. */
  readonly ord: number;
  readonly type: string;
  readonly nodeId: string | null;
  readonly data: unknown;
  /** Null for the moment at which it is written. */
  readonly at: Date | null;
}

/** How many events each trace gets. */
function counted(q: QueryCreator<{ happened: Happened }>) {
  return q
    .selectFrom('happened')
    .groupBy('traceId')
    .select(({ fn }) => ['traceId', fn.countAll<number>().as('count')]);
}

/** Locks the traces in the order of their ids: without it writers of the same traces wait for each other in a ring. */
function locked(
  q: QueryCreator<Tables & { counted: { traceId: TraceId; count: number } }>,
): Expression<{ traceId: TraceId; count: number }> {
  return q
    .selectFrom('agent_traces as r')
    .innerJoin('counted as c', 'c.traceId', 'r.id')
    .where('r.status', '=', 'running')
    .select(['r.id as traceId', 'c.count'])
    .orderBy('r.id')
    .forNoKeyUpdate('r');
}

/** A trace with the number of the first of its events. */
interface Numbered {
  readonly traceId: TraceId;
  readonly tenantId: string;
  readonly seq: number;
}

function numbered(trace: TraceParts, set: Readonly<Record<string, Sql>> = {}) {
  return () => trace.numbersFor('locked', { count: column('locked.count'), set }).$castTo<Numbered>();
}

/** Gives each event its number: the first of its trace and its place behind it. */
function placed(q: QueryCreator<{ happened: Happened; numbered: Numbered }>) {
  return q
    .selectFrom('happened as h')
    .innerJoin('numbered as n', 'n.traceId', 'h.traceId')
    .select(['h.traceId', 'n.tenantId', 'h.type', 'h.nodeId', 'h.data', 'h.at'])
    .select((eb) => {
      const place = eb.fn.agg<number>('row_number').over((over) => over.partitionBy('h.traceId').orderBy('h.ord'));
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

/** What happened in one trace, with the number that it gets. */
interface NumberedOne {
  readonly traceId: TraceId;
  readonly tenantId: string;
  readonly seq: number;
  readonly type: string;
  readonly nodeId: string | null;
  readonly data: unknown;
}

/** Numbers the only row of `happened`, if its trace runs. One trace needs no lock before: there is no order to keep. */
export function numberOne(trace: TraceParts) {
  return () =>
    trace
      .numbersFor('happened')
      .where('r.status', '=', 'running')
      .returning(['happened.type', 'happened.nodeId', 'happened.data'])
      .$castTo<NumberedOne>();
}

const OF_ONE: EventRow = { type: column('type'), nodeId: column('node_id'), data: column('data') };

/** Writes the event of {@link numberOne}. */
export function noteOne(trace: TraceParts) {
  return () => trace.eventRowsFrom('numbered', OF_ONE);
}

/** An event whose values the program gives. */
export interface GivenEvent extends Omit<Happened, 'ord'> {
  /** Its place among the events of its trace, from 0. */
  readonly place: number;
}

/** The events that the program gives, as a table of the statement. */
export const GIVEN_EVENTS = givenRows<GivenEvent>({
  ...{ traceId: 'uuid', place: 'int', type: 'text', nodeId: 'text', data: 'jsonb', at: 'timestamptz' },
});

const append = (set: Readonly<Record<string, Sql>>) =>
  new Statement({ events: GIVEN_EVENTS }, ({ events }) =>
    named
      .with('happened', () => events)
      .with('counted', counted)
      .with('locked', locked)
      .with('numbered', numbered(TRACE, set))
      .with('placed', placed)
      .with('noted', noted(TRACE))
      .main.selectFrom('numbered')
      .select('traceId'),
  );

const APPEND = append({});
const APPEND_STRETCH = append({ stretchTries: constant(0, 'integer') });

/** Events of one trace, in their order. */
export interface TraceEvents {
  readonly traceId: TraceId;
  readonly events: readonly NewTraceEvent[];
}

/** Events as rows for `givenRows`. */
export function eventRows({ traceId, events }: TraceEvents): GivenEvent[] {
  return events.map(({ type, nodeId, data, at }, place) => ({
    ...{ traceId, place, type, nodeId: nodeId ?? null, data: data ?? null, at: at ?? null },
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
