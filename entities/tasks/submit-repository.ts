import type { TaskId, TenantId } from '../../domain/ids.ts';
import { Repository } from '../repository.ts';
import { givenList, givenValue } from '../statements/given-values.ts';
import { Statement, statements } from '../statements/statement.ts';
import type { KnownTask, NewTask, WrittenTask } from './new-task.ts';
import { insertTasks } from './statements/insert-tasks.ts';
import { Task } from './task.ts';
import { TaskDependency } from './task-dependency.ts';

/** Tasks in one statement. Larger statements gain little and make the next ones wait longer. */
export const SUBMIT_BATCH_SIZE = 1_000;

const FIND_KNOWN = new Statement(
  { tenant: givenValue<TenantId>('text'), ids: givenList<TaskId>('uuid'), keys: givenList<string>('text') },
  ({ tenant, ids, keys }) =>
    statements
      .selectFrom('tasks')
      .select(['id', 'status', 'createdAt', 'idempotencyKey', 'requestHash'])
      .where((eb) => {
        const isOfKey = eb.and([eb('tenantId', '=', tenant), eb('idempotencyKey', '=', eb.fn.any(keys))]);
        return eb.or([eb('id', '=', eb.fn.any(ids)), isOfKey]);
      }),
);

/** Writes new tasks of one tenant. Every method is one statement. */
export class SubmitRepository extends Repository {
  /**
   * Writes up to {@link SUBMIT_BATCH_SIZE} tasks of one tenant, and one outbox row that names those that may start: all
   * or none. Each task has an audit row; tasks that come from one call share one for each user. Tasks with dependencies
   * are written as blocked; see {@link SubmitRepository.addDependencies}. A task that is there already, by its id or its
   * idempotency key, is left out of the answer: a repetition writes nothing.
   */
  insert(tenant: TenantId, tasks: readonly NewTask[], options: { readonly oneCall: boolean }): Promise<WrittenTask[]> {
    return insertTasks(this.em, tenant, { tasks, ...options });
  }

  /** The tasks that inserts of these met: themselves, or those of earlier submits under the same keys. */
  async findKnown(tenant: TenantId, tasks: readonly NewTask[]): Promise<KnownTask[]> {
    const ids = tasks.map(({ id }) => id);
    const keys = tasks.flatMap((task) => task.idempotencyKey ?? []);
    const known = await FIND_KNOWN.run(this.em, { tenant, ids, keys });
    return known.map(({ createdAt, ...task }) => ({ ...task, createdAtMs: createdAt.getTime() }));
  }

  /** Which of these are not tasks of the unit of work's tenant. */
  async findMissing(ids: readonly TaskId[]): Promise<TaskId[]> {
    const found = await this.em.find(Task, { id: { $in: ids } }, { fields: ['id'] });
    return [...new Set(ids).difference(new Set(found.map(({ id }) => id)))];
  }

  /** Writes what tasks wait for. Repeating it changes nothing. */
  async addDependencies(tenantId: TenantId, tasks: readonly Pick<NewTask, 'id' | 'dependsOn'>[]): Promise<void> {
    const pairs = tasks.flatMap(({ id, dependsOn }) =>
      dependsOn.map((dependsOnTaskId) => ({ taskId: id, dependsOnTaskId, tenantId })),
    );
    await this.em.createQueryBuilder(TaskDependency).insert(pairs).onConflict().ignore().execute();
  }
}
