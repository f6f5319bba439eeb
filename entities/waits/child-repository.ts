import type { TaskId, WaitId } from '../../domain/ids.ts';
import { anyOf, literal } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';

/** The run that a task is a part of. */
export interface ChildOf {
  readonly taskId: TaskId;
  readonly path: string;
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
}

function waitOf(child: TaskId): WaitId {
  return child as string as WaitId;
}

function taskOf(wait: WaitId): TaskId {
  return wait as string as TaskId;
}
