import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { tables } from '../tables.ts';
import { anyOf } from './expressions.ts';
import type { KnownTask, NewTask, WrittenTask } from './new-task.ts';
import { insertTasks } from './statements/insert-tasks.ts';
import { Task } from './task.ts';
import { TaskDependency } from './task-dependency.ts';

/** Tasks in one statement. Larger ones gain little and make those behind them wait longer. */
export const SUBMIT_BATCH_SIZE = 1_000;

/** Writes new tasks of one tenant. Every method is one statement. */
export class SubmitRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /**
   * Writes up to {@link SUBMIT_BATCH_SIZE} tasks of one tenant, and one outbox row that names those that may start: all or
   * none. Each has an audit row, or, as they come from one call, they share one for each user. Tasks with dependencies are written as blocked; see
   * {@link SubmitRepository.addDependencies}. What stands there already, by its id or its idempotency key, is left out of
   * the answer: a repetition writes nothing.
   */
  insert(tenant: TenantId, tasks: readonly NewTask[], options: { readonly oneCall: boolean }): Promise<WrittenTask[]> {
    return insertTasks(this.#em, tenant, { tasks, ...options });
  }

  /** The tasks that inserts of these met: themselves, or those of earlier submits under the same keys. */
  async findKnown(tenant: TenantId, tasks: readonly NewTask[]): Promise<KnownTask[]> {
    const keys = tasks.flatMap((task) => task.idempotencyKey ?? []);
    const known = await tables(this.#em)
      .selectFrom('tasks')
      .select(['id', 'status', 'createdAt', 'idempotencyKey', 'requestHash'])
      .where((eb) => {
        const isOfKey = eb.and([eb('tenantId', '=', tenant), eb('idempotencyKey', '=', anyOf(keys))]);
        return eb.or([eb('id', '=', anyOf(tasks.map(({ id }) => id))), isOfKey]);
      })
      .execute();
    return known.map(({ createdAt, ...task }) => ({ ...task, createdAtMs: createdAt.getTime() }));
  }

  /** Which of these are no tasks of the unit of work's tenant. */
  async findMissing(ids: readonly TaskId[]): Promise<TaskId[]> {
    const found = await this.#em.find(Task, { id: { $in: ids } }, { fields: ['id'] });
    return [...new Set(ids).difference(new Set(found.map(({ id }) => id)))];
  }

  /** Writes what tasks wait for. Repeating it changes nothing. */
  async addDependencies(tenantId: TenantId, tasks: readonly Pick<NewTask, 'id' | 'dependsOn'>[]): Promise<void> {
    const pairs = tasks.flatMap(({ id, dependsOn }) =>
      dependsOn.map((dependsOnTaskId) => ({ taskId: id, dependsOnTaskId, tenantId })),
    );
    await this.#em.createQueryBuilder(TaskDependency).insert(pairs).onConflict().ignore().execute();
  }
}
