import type { TaskId } from '../../domain/ids.ts';
import { anyOf, literal } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { Task } from './task.ts';
import { JOB_COLUMNS, readWaitingJob, type WaitingJob } from './waiting-job.ts';

/** What waits, of all tenants: the truth that the index in Redis is compared with and rebuilt from. */
export class WaitingRepository extends Repository {
  /** One page of the waiting tasks of a task queue, first in line first, after this one: by tasks_claim_index. */
  async page(taskQueue: string, after: TaskId | null, limit: number): Promise<WaitingJob[]> {
    const tasks = await this.#jobs()
      .where('t.taskQueue', '=', taskQueue)
      .$if(after !== null, (query) =>
        query.where((eb) => {
          const last = eb
            .selectFrom('tasks as l')
            .select(['l.priority', 'l.createdAt', 'l.id'])
            .where('l.id', '=', after);
          const place = eb.refTuple('t.priority', 't.createdAt', 't.id');
          return eb(place, '>', last.$asTuple('priority', 'createdAt', 'id'));
        }),
      )
      .orderBy('t.priority')
      .orderBy('t.createdAt')
      .orderBy('t.id')
      .limit(limit)
      .execute();
    return tasks.map(readWaitingJob);
  }

  /** Those of these tasks that wait. */
  async among(ids: readonly TaskId[]): Promise<WaitingJob[]> {
    const tasks = await this.#jobs().where('t.id', '=', anyOf(ids)).execute();
    return tasks.map(readWaitingJob);
  }

  count(taskQueue: string): Promise<number> {
    return this.em.count(Task, { status: 'pending', taskQueue });
  }

  #jobs() {
    return tables(this.em)
      .selectFrom('tasks as t')
      .select(JOB_COLUMNS.map((name) => `t.${name}` as const))
      .where('t.status', '=', literal('pending'));
  }
}
