import type { TraceEventType } from '../../domain/traces/events.ts';
import type { TraceStatus } from '../../domain/traces/trace-status.ts';
import {
  call,
  column,
  constant,
  type InsertPart,
  insertFrom,
  minus,
  NEVER,
  parts,
  type RowSource,
  type Sql,
  sum,
  type TextCell,
  textOf,
} from '../insert-from.ts';

/** What happened in a trace. */
export interface EventRow {
  /** Default: the column `trace_id` of the source. */
  readonly trace?: Sql;
  /** Its number in the trace. Default: the column `seq` of the source, as {@link numbersFor} returns it. */
  readonly seq?: Sql;
  readonly type: TraceEventType | Sql;
  /** The run that it is about. Default: none, for an event of the trace itself. */
  readonly nodeId?: TextCell;
  readonly data?: Sql;
  /** Default: the time at which the row is written. */
  readonly at?: Sql;
}

/** What else changes in a trace's row when its events are numbered: a row can be updated once in a statement. */
export interface TraceChange {
  /** How many numbers each trace gets. Default: one. */
  readonly count?: Sql;
  readonly set?: Readonly<Record<string, Sql>>;
}

/** The parts of statements that write what happened in traces. */
export interface TraceParts {
  /**
   * Hands out the next numbers of the traces that a table of the same statement has locked as running and names by
   * `trace_id`, once each. Returns `trace_id`, `tenant_id`, the first number as `seq`, and the trace's `status` and
   * `error`. A trace that has ended gets none, so that its last event stays the last. The lock of the row makes the
   * order of commits the order of numbers. The statement does not ask for the status again, because PostgreSQL would
   * then read all running traces.
   */
  numbersFor(source: string, change?: TraceChange): NumbersPart;
  /** How an event looks: an insert of one for each row of a table of the same statement, which has a `tenant_id`. */
  eventRowsFrom(source: string, row: EventRow): InsertPart;
}

function numbersFor(source: string, { count = constant(1, 'integer'), set = {} }: TraceChange = {}) {
  return parts
    .updateTable('agent_traces as r')
    .from(source)
    .set({ next_seq: sum(column('r.next_seq'), count), ...set })
    .whereRef('r.id', '=', `${source}.trace_id`)
    .returning(['r.id as traceId', 'r.tenantId', 'r.status', 'r.error', minus(column('r.next_seq'), count).as('seq')]);
}

type NumbersPart = ReturnType<typeof numbersFor>;

function eventRows(source: RowSource | string, row: EventRow): InsertPart {
  return insertFrom('trace_events', source, {
    trace_id: row.trace ?? column('trace_id'),
    seq: row.seq ?? column('seq'),
    tenant_id: column('tenant_id'),
    type: textOf(row.type),
    node_id: textOf(row.nodeId ?? null),
    ...(row.data === undefined ? {} : { data: row.data }),
    at: row.at ?? call('clock_timestamp'),
  });
}

/** A trace that is written. */
export const TRACE: TraceParts = { numbersFor, eventRowsFrom: eventRows };

/** The same statements without the trace: nothing is numbered, no event is written, no trace changes. */
export const NO_TRACE: TraceParts = {
  numbersFor: (source, change) => numbersFor(source, change).where(NEVER),
  eventRowsFrom: (source, row) => eventRows({ from: source, where: NEVER }, row),
};

/** A trace that a claim opens. The columns that are left out have their defaults. */
export interface OpenedTrace {
  readonly id: Sql;
  readonly taskId: Sql;
  /** 1 for the first trace of the task. */
  readonly number: Sql;
  readonly graphId: Sql;
  readonly workflowId: Sql;
  readonly user: Sql;
  /** The trace before it, or that it continues. */
  readonly origin: Sql;
  /** The number of the event after its first one. */
  readonly nextSeq: Sql;
}

/**
 * New traces: one for each row of a table of the same statement, which has a `tenant_id`. The first event of each has
 * number 1.
 */
export function traceRowsFrom(source: RowSource | string, row: OpenedTrace): InsertPart {
  return insertFrom('agent_traces', source, {
    id: row.id,
    tenant_id: column('tenant_id'),
    task_id: row.taskId,
    number: row.number,
    graph_id: row.graphId,
    workflow_id: row.workflowId,
    status: textOf('running' satisfies TraceStatus),
    user_id: row.user,
    next_seq: row.nextSeq,
    origin_trace_id: row.origin,
  });
}
