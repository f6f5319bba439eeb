import type { TaskId, TenantId } from '../../domain/ids.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { ago, literal, now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { NOT_ENDED } from './expressions.ts';

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
export class QueueCountRepository extends Repository {
  /** By tasks_tenant_status_index, so that tasks that have ended cost nothing. */
  async tasks(): Promise<TaskCount[]> {
    const counts = await tables(this.em)
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
    const counts = await tables(this.em)
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
    const counts = await tables(this.em)
      .selectFrom('concurrency_slots')
      .select(({ fn }) => ['key', fn.countAll<string>().as('held')])
      .groupBy('key')
      .orderBy('held', 'desc')
      .orderBy('key')
      .limit(limit)
      .execute();
    return counts.map(({ key, held }) => ({ key, held: Number(held) }));
  }

  /** The concurrency keys of a task, and how many slots of each are held. By tasks_pkey and concurrency_slots_pkey. */
  async slotsOf(id: TaskId): Promise<{ key: string; held: number }[]> {
    const counts = await tables(this.em)
      .selectFrom('tasks as t')
      .leftJoin('concurrency_slots as s', (join) => join.on((eb) => eb('s.key', '=', eb.fn.any('t.concurrencyKeys'))))
      .select(({ fn }) => ['t.concurrencyKeys as keys', 's.key', fn.count<string>('s.slot').as('held')])
      .where('t.id', '=', id)
      .groupBy(['t.id', 's.key'])
      .execute();
    const held = new Map(counts.map((count) => [count.key, Number(count.held)]));
    return (counts[0]?.keys ?? []).map((key) => ({ key, held: held.get(key) ?? 0 }));
  }

  /** The task queues of published graphs, and whether tasks wait for each, which an index tells. */
  async taskQueues(): Promise<{ taskQueue: string; waits: boolean }[]> {
    const queues = await tables(this.em)
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
      .where('g.status', 'in', ['active', 'archived'])
      .groupBy('g.taskQueue')
      .orderBy('g.taskQueue')
      .execute();
    return queues.map(({ taskQueue, waits }) => ({ taskQueue, waits: waits === true }));
  }
}
