import { sql } from '@mikro-orm/core';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { ago, anyOf } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { CLAIM_COLUMNS, type ClaimedTask, readClaimedTask } from './claimed-task.ts';
import { OCCUPYING, OPEN, SPARING } from './expressions.ts';
import { Task } from './task.ts';

/** A task that should have ended by now. */
export interface OverdueTask {
  readonly task: ClaimedTask;
  /** Whether it is a cancel that was not carried out; otherwise its deadline has passed. */
  readonly isCancelled: boolean;
}

/** Stands for the trace of a task whose trace is gone, which nobody but a person removes: no row has it. */
const NO_TRACE = '00000000-0000-0000-0000-000000000000' as TraceId;

/** Open tasks that may have lost their workflow, or should have ended. Needs a system unit of work to see all tenants'. */
export class SuspectRepository extends Repository {
  /** Keeps a second reconciler from looking at the same suspects, until the unit of work ends. False when one does. */
  async tryLock(): Promise<boolean> {
    const { held } = await tables(this.em)
      .selectNoFrom(({ fn, val }) => {
        const keys = ['muster', 'suspects'].map((name) => fn<number>('hashtext', [val(name)]));
        return fn<boolean>('pg_try_advisory_xact_lock', keys).as('held');
      })
      .executeTakeFirstOrThrow();
    return held;
  }

  /**
   * Open tasks that were claimed, or compared with Temporal, longer ago than this: those that occupy a place by
   * tasks_occupying_index, those that wait by tasks_checked_index.
   */
  async unchecked(kind: 'occupying' | 'waiting', seconds: number, limit: number): Promise<ClaimedTask[]> {
    const tasks = await this.#open(kind === 'occupying' ? OCCUPYING : SPARING)
      .where('r.id', 'is not', null)
      .where('t.checkedAt', '<', ago(seconds))
      .orderBy('t.checkedAt')
      .limit(limit)
      .execute();
    return tasks.map(readClaimedTask);
  }

  /**
   * Open tasks whose cancel was accepted, or whose deadline passed, longer ago than this: those first that were looked at
   * the longest ago. By tasks_cancel_requested_index and tasks_deadline_index.
   */
  async overdue(graceSeconds: number, limit: number): Promise<OverdueTask[]> {
    const since = (column: 'cancelRequestedAt' | 'deadlineAt') =>
      tables(this.em)
        .selectFrom('tasks')
        .select('id')
        .where(column, '<=', ago(graceSeconds))
        .where('completedAt', 'is', null)
        .where('status', 'in', OPEN);
    const due = since('cancelRequestedAt').union(since('deadlineAt')).as('due');
    const tasks = await this.#open()
      .innerJoin(due, 'due.id', 't.id')
      .select('t.cancelRequestedAt')
      .orderBy('t.checkedAt', (order) => order.asc().nullsFirst())
      .limit(limit)
      .execute();
    return tasks.map((row) => ({ task: readClaimedTask(row), isCancelled: row.cancelRequestedAt !== null }));
  }

  /** Those of these tasks that are open, with their claims. */
  async findOpen(ids: readonly TaskId[]): Promise<ClaimedTask[]> {
    const tasks = await this.#open().where('t.id', '=', anyOf(ids)).execute();
    return tasks.map(readClaimedTask);
  }

  /** Notes that tasks are looked at now, so that the next sweep looks at others first. */
  async markChecked(ids: readonly TaskId[]): Promise<void> {
    const open = { id: { $in: ids }, status: { $in: OPEN_TASK_STATUSES } };
    await this.em.nativeUpdate(Task, open, { checkedAt: sql.now() });
  }

  #open(statuses = OPEN) {
    return tables(this.em)
      .selectFrom('tasks as t')
      .leftJoin('agent_traces as r', (join) =>
        join.onRef('r.taskId', '=', 't.id').onRef('r.number', '=', 't.traceCount'),
      )
      .select(CLAIM_COLUMNS.map((name) => `t.${name}` as const))
      .select('r.carriedBy')
      .select((eb) => [
        't.status as standing',
        eb.fn.coalesce('r.id', eb.cast<TraceId>(eb.val(NO_TRACE), 'uuid')).as('traceId'),
      ])
      .where('t.status', 'in', statuses);
  }
}
