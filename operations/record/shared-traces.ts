import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { ExpressionBuilder, Selectable, SqlBool } from 'kysely';
import type { Database } from '../../database/transaction.ts';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { bandOfPriority } from '../../domain/tasks/priority.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { hasEarlierWorker } from '../../entities/agents/earlier-workers.ts';
import { anyOf, literal, now } from '../../entities/common-expressions.ts';
import { type Tables, tables } from '../../entities/tables.ts';
import { readTask, type TaskRecord } from '../../entities/tasks/task-record.ts';
import { moveTask } from './move-task.ts';
import { type RecordLog, withTrace } from './recording.ts';

/** A task that a shared execution carries. */
export interface CarriedTask {
  readonly execution: ExecutionRef;
  readonly task: TaskRecord;
  /** How often it was begun since something of it was written, this time included. */
  readonly tries: number;
  /** Whether anything of it has been written before. */
  readonly isUnderWay: boolean;
  readonly standing: CarriedStanding;
}

/** What was requested of a task that a shared execution carries. */
export interface CarriedStanding {
  readonly isCancelled: boolean;
  /** Whether its deadline has passed. */
  readonly isLate: boolean;
  readonly isPaused: boolean;
  /** Whether it is to continue by itself, because a worker is alive that knows no shared executions. */
  readonly isApart: boolean;
}

/**
 * Notes which execution carries these traces, before it is started. Those are left out that the reconciler has looked at
 * since their claim, because they were not started in time: it may have started each by itself. Repeatable.
 * @returns the tasks that it carries
 */
export async function carryTogether(
  em: SqlEntityManager,
  carrier: string,
  traces: readonly TraceId[],
): Promise<readonly TaskId[]> {
  const rows = await tables(em)
    .with('carried', (q) =>
      q
        .selectFrom('tasks as t')
        .innerJoin('agent_traces as r', 'r.taskId', 't.id')
        .where('r.id', '=', anyOf(traces))
        .where('r.status', '=', literal('running'))
        .where((eb) => eb.or([eb('t.checkedAt', '=', eb.ref('t.claimedAt')), eb('r.carriedBy', '=', carrier)]))
        .select('r.id')
        .orderBy('t.id')
        .forNoKeyUpdate('t'),
    )
    .updateTable('agent_traces as r')
    .from('carried as c')
    .set({ carriedBy: carrier })
    .whereRef('r.id', '=', 'c.id')
    .returning('r.taskId')
    .execute();
  return rows.map(({ taskId }) => taskId);
}

/**
 * Counts that a shared execution begins, and reads what it needs of those tasks that it still carries: one statement.
 * Those that have ended, or have left, are left out.
 */
export async function openTogether(
  em: SqlEntityManager,
  carrier: string,
  ids: readonly TaskId[],
): Promise<readonly CarriedTask[]> {
  const rows = await tables(em)
    .with('carried', (q) =>
      q
        .selectFrom('agent_traces as r')
        .where('r.taskId', '=', anyOf(ids))
        .where('r.status', '=', literal('running'))
        .where('r.carriedBy', '=', carrier)
        .select('r.id')
        .orderBy('r.id')
        .forNoKeyUpdate(),
    )
    .with('begun', (q) =>
      q
        .updateTable('agent_traces as r')
        .from('carried as c')
        .set((eb) => ({ stretchTries: eb('r.stretchTries', '+', 1) }))
        .whereRef('r.id', '=', 'c.id')
        .returning(['r.id as traceId', 'r.taskId', 'r.stretchTries', 'r.nextSeq']),
    )
    .selectFrom('begun as b')
    .innerJoin('tasks as t', 't.id', 'b.taskId')
    .where('t.status', 'in', OPEN_TASK_STATUSES)
    .selectAll('t')
    .select(['b.traceId', 'b.stretchTries', 'b.nextSeq'])
    .select([isLate, hasEarlierWorker])
    .execute();
  return rows.map(readCarried);
}

/** By the clock of PostgreSQL, as everywhere else in the rows. */
function isLate(eb: ExpressionBuilder<Tables & { t: Tables['tasks'] }, 't'>) {
  return eb('t.deadlineAt', '<=', now()).as('isLate');
}

type Asked = Pick<Selectable<Tables['tasks']>, 'cancelRequestedAt' | 'heldAt'> & {
  readonly isLate: SqlBool | null;
  readonly hasEarlierWorker: SqlBool;
};

function standingOf({ cancelRequestedAt, isLate, heldAt, hasEarlierWorker: isApart }: Asked): CarriedStanding {
  return {
    ...{ isCancelled: cancelRequestedAt !== null, isLate: isLate === true, isPaused: heldAt !== null },
    isApart: isApart === true,
  };
}

type CarriedRow = Selectable<Tables['tasks']> &
  Asked & { readonly traceId: TraceId; readonly stretchTries: number; readonly nextSeq: number };

/** The number of the first event after `trace.started`. */
const FIRST_OF_WORK = 2;

function readCarried({ traceId, stretchTries: tries, nextSeq, ...row }: CarriedRow): CarriedTask {
  const task = readTask(row);
  const { tenant, id: taskId, graphId, user, fence, traceCount: traceNumber } = task;
  const band = bandOfPriority(row.priority);
  return {
    execution: { tenant, taskId, traceId, traceNumber, graphId, user, fence, band },
    task,
    tries,
    isUnderWay: nextSeq > FIRST_OF_WORK,
    standing: standingOf(row),
  };
}

export interface LeaveOptions {
  readonly database: Database;
  /** They say which slots a paused task gives up. */
  readonly settings: QueueSettings;
  readonly log: RecordLog;
}

/** A task that has left the execution that carried it. */
export interface LeftTask {
  readonly taskId: TaskId;
  /** The concurrency keys of which it holds slots, if it left as paused; null if it is to continue. */
  readonly pausedWith: readonly string[] | null;
}

/**
 * Lets traces leave the execution that carries them: each continues in one of its own, which the reconciler starts if
 * no other process does. Their tasks get a new fence, which that start has to read: what the shared execution still writes
 * for them is refused. Their rows, locked, decide: a task whose pause was accepted leaves as paused, with its event
 * and without the slots that it frees while it waits. Later pauses and resumes are for its own execution, and are
 * refused until that has started. Each of their runs then has its output itself. Repeatable: a trace that has left or
 * ended stays as it is.
 * @returns the tasks that left with this call
 */
export function leaveTogether(
  { database, settings, log }: LeaveOptions,
  carrier: string,
  traces: readonly TraceId[],
): Promise<readonly LeftTask[]> {
  return withTrace(log, (trace) =>
    database.inSystem('dispatch', async ({ em }) => {
      const left: LeftTask[] = [];
      for (const { heldAt, ...execution } of await letLeave(em, carrier, traces)) {
        const move = { execution, status: 'paused', workerId: null } as const;
        const moved = heldAt === null ? null : await moveTask({ em, trace }, move, settings);
        left.push({ taskId: execution.taskId, pausedWith: moved?.slots ?? null });
      }
      return left;
    }),
  );
}

/** Each of their runs has its output itself then. Returns what the locked rows said. */
function letLeave(em: SqlEntityManager, carrier: string, traces: readonly TraceId[]) {
  return (
    tables(em)
      .with('leaving', (q) =>
        q
          .selectFrom('tasks as t')
          .innerJoin('agent_traces as r', 'r.taskId', 't.id')
          .where('r.id', '=', anyOf(traces))
          .where('r.status', '=', literal('running'))
          .where('r.carriedBy', '=', carrier)
          .where('t.status', 'in', OPEN_TASK_STATUSES)
          .select(['t.id', 't.heldAt', 'r.id as traceId'])
          .orderBy('t.id')
          .forNoKeyUpdate('t'),
      )
      // The next execution may run on an earlier version, which cannot read an output that another run keeps.
      .with('copied', (q) =>
        q
          .updateTable('agent_runs as r')
          .from('leaving as l')
          .innerJoin('agent_runs as k', 'k.traceId', 'l.traceId')
          .set((eb) => ({
            output: eb.ref('k.output'),
            outputArtifactId: eb.ref('k.outputArtifactId'),
            outputOf: null,
          }))
          .whereRef('r.traceId', '=', 'l.traceId')
          .whereRef('r.outputOf', '=', 'k.nodeId'),
      )
      .with('left', (q) =>
        q
          .updateTable('agent_traces as r')
          .from('leaving as l')
          .set({ carriedBy: null })
          .whereRef('r.id', '=', 'l.traceId')
          .where('r.carriedBy', '=', carrier)
          .returning(['r.taskId', 'r.id as traceId', 'l.heldAt']),
      )
      .with('kept', (q) =>
        q
          .updateTable('concurrency_slots as s')
          .from('left as l')
          .set((eb) => ({ fence: eb('s.fence', '+', 1) }))
          .whereRef('s.taskId', '=', 'l.taskId'),
      )
      .updateTable('tasks as t')
      .from('left as l')
      // Nothing was compared longer ago: the reconciler looks at these first.
      .set((eb) => ({
        fence: eb('t.fence', '+', 1),
        checkedAt: eb.fn<Date>('to_timestamp', [eb.lit(0)]),
        heldAt: null,
      }))
      .whereRef('t.id', '=', 'l.taskId')
      .returning(['t.id as taskId', 't.fence', 'l.traceId', 'l.heldAt'])
      .execute()
  );
}

/** What was requested of those tasks that a shared execution still carries, by their traces. */
export async function standingTogether(
  em: SqlEntityManager,
  carrier: string,
  traces: readonly TraceId[],
): Promise<ReadonlyMap<TraceId, CarriedStanding>> {
  const rows = await tables(em)
    .selectFrom('agent_traces as r')
    .innerJoin('tasks as t', 't.id', 'r.taskId')
    .where('r.id', '=', anyOf(traces))
    .where('r.carriedBy', '=', carrier)
    .where('t.status', 'in', OPEN_TASK_STATUSES)
    .select(['r.id', 't.cancelRequestedAt', 't.heldAt'])
    .select([isLate, hasEarlierWorker])
    .execute();
  return new Map(rows.map((row) => [row.id, standingOf(row)]));
}
