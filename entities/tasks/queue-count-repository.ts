import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TenantId } from '../../domain/ids.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { tables } from '../tables.ts';
import { ago, literal, NOT_ENDED, now } from './expressions.ts';

/** Tasks of one tenant that have not ended, of one status and band. */
export interface TaskCount {
  readonly tenant: TenantId;
  readonly status: TaskStatus;
  readonly band: PriorityBand;
  readonly count: number;
  /** When the oldest of them was submitted. */
  readonly oldestAt: Date;
}

/** What else is counted of a tenant. */
export interface TenantCount {
  readonly tenant: TenantId;
  /** Tasks that should have ended by now. */
  readonly overdue: number;
  readonly dead: number;
  /** Traces that were opened within the last minute. */
  readonly startsLastMinute: number;
}

/**
 * Counts for operators: of one tenant in a tenant's unit of work, of all in a system's. Every method is one statement.
 * The cost grows with the tasks that have not ended, about 100 ms for 100,000.
 */
export class QueueCountRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** By tasks_tenant_status_index, so that tasks that have ended cost nothing. */
  async tasks(): Promise<TaskCount[]> {
    const counts = await tables(this.#em)
      .selectFrom('tenants as n')
      .crossJoinLateral((eb) =>
        eb
          .selectFrom('tasks as t')
          .select(({ fn }) => [
            't.status',
            't.priority',
            fn.countAll<string>().as('count'),
            fn.min<Date>('t.createdAt').as('oldest'),
          ])
          .whereRef('t.tenantId', '=', 'n.id')
          .where('t.status', 'in', NOT_ENDED)
          .groupBy(['t.status', 't.priority'])
          .as('c'),
      )
      .select(['n.id as tenant', 'c.status', 'c.priority', 'c.count', 'c.oldest'])
      .orderBy('n.id')
      .orderBy('c.status')
      .orderBy('c.priority')
      .execute();
    return counts.map(({ tenant, status, priority, count, oldest }) => ({
      tenant,
      status,
      band: bandOfPriority(priority),
      count: Number(count),
      oldestAt: oldest,
    }));
  }

  /** By tasks_due_index, tasks_dead_index and agent_traces_tenant_index. */
  async tenants(): Promise<TenantCount[]> {
    const counts = await tables(this.#em)
      .selectFrom('tenants as n')
      .select((eb) => {
        const tasks = eb
          .selectFrom('tasks as t')
          .select(({ fn }) => fn.countAll<string>().as('count'))
          .whereRef('t.tenantId', '=', 'n.id');
        const starts = eb
          .selectFrom('agent_traces as r')
          .select(({ fn }) => fn.countAll<string>().as('count'))
          .whereRef('r.tenantId', '=', 'n.id')
          .where('r.createdAt', '>', ago(60));
        return [
          'n.id as tenant',
          tasks.where('t.dueDate', '<', now()).where('t.completedAt', 'is', null).as('overdue'),
          tasks.where('t.deadLetteredAt', 'is not', null).as('dead'),
          starts.as('starts'),
        ];
      })
      .orderBy('n.id')
      .execute();
    return counts.map(({ tenant, overdue, dead, starts }) => ({
      tenant,
      overdue: Number(overdue),
      dead: Number(dead),
      startsLastMinute: Number(starts),
    }));
  }

  /** How many slots of each limited key are held, the most first, at most `limit` keys. */
  async slots(limit: number): Promise<{ key: string; held: number }[]> {
    const counts = await tables(this.#em)
      .selectFrom('concurrency_slots')
      .select(({ fn }) => ['key', fn.countAll<string>().as('held')])
      .groupBy('key')
      .orderBy('held', 'desc')
      .orderBy('key')
      .limit(limit)
      .execute();
    return counts.map(({ key, held }) => ({ key, held: Number(held) }));
  }

  /** The task queues of published graphs, each with its waiting tasks, and whether there are any: it has an index of these. */
  async taskQueues(): Promise<{ taskQueue: string; waits: boolean }[]> {
    const queues = await tables(this.#em)
      .selectFrom('agent_graphs as g')
      .select((eb) => [
        'g.taskQueue',
        eb
          .exists(
            eb
              .selectFrom('tasks as t')
              .select('t.id')
              .whereRef('t.taskQueue', '=', 'g.taskQueue')
              .where('t.status', '=', literal('pending')),
          )
          .as('waits'),
      ])
      .where('g.status', '=', 'published')
      .groupBy('g.taskQueue')
      .orderBy('g.taskQueue')
      .execute();
    return queues.map(({ taskQueue, waits }) => ({ taskQueue, waits: waits === true }));
  }
}
