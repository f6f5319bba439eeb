import type { TaskId, WaitId } from '../../domain/ids.ts';
import { anyOf, literal } from '../common-expressions.ts';
import { call, column, constant } from '../insert-from.ts';
import { Repository } from '../repository.ts';
import { namedIn } from '../statements/named-parts.ts';
import { outboxRowsFrom } from '../system/outbox-rows.ts';
import { tables } from '../tables.ts';

/** The run that a task is a part of. */
export interface ChildOf {
  readonly taskId: TaskId;
  readonly path: string;
}

/** A wait that is over, and whose workflow is to look. */
export interface EndedWait {
  readonly id: WaitId;
  readonly taskId: TaskId;
  readonly traceNumber: number;
}

/** Tasks that runs of other tasks wait for: such a wait has the id of its task. */
export class ChildRepository extends Repository {
  /** The run that a task is a part of; null for one that is none's. */
  async parentOf(child: TaskId): Promise<ChildOf | null> {
    const parent = await tables(this.em)
      .selectFrom('run_waits')
      .select(['taskId', 'path'])
      .where('id', '=', waitOf(child))
      .where('kind', '=', literal('child'))
      .executeTakeFirst();
    return parent ?? null;
  }

  /** How many tasks stand above one, counted up to a number. A statement for each. */
  async above(child: TaskId, most: number): Promise<number> {
    let above = 0;
    let parent = await this.parentOf(child);
    while (parent !== null && above < most) {
      above += 1;
      parent = await this.parentOf(parent.taskId);
    }
    return above;
  }

  /** The tasks for which runs of a task wait. By run_waits_task_index. */
  async open(parent: TaskId): Promise<TaskId[]> {
    const open = await this.#waiting([parent]).execute();
    return open.map(({ id }) => taskOf(id));
  }

  /** Those for which runs of ended traces of these tasks waited. Needs a system unit of work. By run_waits_task_index. */
  async orphans(parents: readonly TaskId[]): Promise<TaskId[]> {
    const orphans = await this.#waiting(parents).where('r.status', '<>', literal('running')).execute();
    return orphans.map(({ id }) => taskOf(id));
  }

  #waiting(parents: readonly TaskId[]) {
    return tables(this.em)
      .selectFrom('run_waits as w')
      .innerJoin('agent_traces as r', 'r.id', 'w.traceId')
      .select('w.id')
      .where('w.taskId', '=', anyOf(parents))
      .where('w.kind', '=', literal('child'))
      .where('w.state', '=', literal('waiting'));
  }

  /**
   * Ends the waits for tasks that have ended, and has the relay tell their workflows: one statement. Needs a system unit of
   * work. @returns those that it ended
   */
  async end(children: readonly TaskId[]): Promise<EndedWait[]> {
    const named = { task: column('t.id'), status: column('t.status') };
    const answer = call(
      'jsonb_build_object',
      ...Object.entries(named).flatMap(([key, value]) => [constant(key, 'text'), value]),
    );
    return namedIn(this.em)
      .with('ended', (q) =>
        q
          .updateTable('run_waits as w')
          .from(['tasks as t', 'agent_traces as r'])
          .set((eb) => ({
            ...{ state: 'answered' as const, answeredBy: 'muster', answeredAt: eb.fn<Date>('clock_timestamp') },
            answer: answer as never,
          }))
          .whereRef('t.id', '=', 'w.id')
          .whereRef('t.tenantId', '=', 'w.tenantId')
          .whereRef('r.id', '=', 'w.traceId')
          .where('w.id', '=', anyOf(children.map(waitOf)))
          .where('w.kind', '=', literal('child'))
          .where('w.state', '=', literal('waiting'))
          .where('t.completedAt', 'is not', null)
          .returning(['w.id', 'w.tenantId', 'w.taskId', 'r.number']),
      )
      .with('sent', () =>
        outboxRowsFrom('ended', {
          ...{ topic: 'wait.ended', taskId: column('task_id') },
          payload: { waitId: column('id'), traceNumber: column('number') },
        }),
      )
      .main.selectFrom('ended')
      .select(['id', 'taskId', 'number as traceNumber'])
      .execute();
  }
}

function waitOf(child: TaskId): WaitId {
  return child as string as WaitId;
}

function taskOf(wait: WaitId): TaskId {
  return wait as string as TaskId;
}
