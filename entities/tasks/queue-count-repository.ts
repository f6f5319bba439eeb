import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { LIVING_AGENT_STATUSES } from '../../domain/agents/agent-status.ts';
import type { TenantId } from '../../domain/ids.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import { OPEN_TASK_STATUSES, type TaskStatus, WAITING_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { readDate } from '../read-row.ts';

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

const NOT_ENDED = sql.join([...WAITING_TASK_STATUSES, ...OPEN_TASK_STATUSES].map((status) => sql.lit(status)));

const LIVING = sql.join(LIVING_AGENT_STATUSES.map((status) => sql.lit(status)));

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
    const result = await sql<{
      tenant_id: string;
      status: TaskStatus;
      priority: number;
      count: number;
      oldest: string;
    }>`
      select n.id as tenant_id, c.status, c.priority, c.count, c.oldest
      from muster.tenants n cross join lateral (
        select t.status, t.priority, count(*)::int as count, min(t.created_at) as oldest
        from muster.tasks t where t.tenant_id = n.id and t.status in (${NOT_ENDED})
        group by t.status, t.priority
      ) c order by n.id, c.status, c.priority`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      tenant: row.tenant_id as TenantId,
      status: row.status,
      band: bandOfPriority(row.priority),
      count: row.count,
      oldestAt: readDate(row.oldest),
    }));
  }

  /** By tasks_due_index, tasks_dead_index and agent_traces_tenant_index. */
  async tenants(): Promise<TenantCount[]> {
    const result = await sql<{ tenant_id: string; overdue: number; dead: number; starts: number }>`
      select n.id as tenant_id,
        (select count(*)::int from muster.tasks t
          where t.tenant_id = n.id and t.due_date < now() and t.completed_at is null) as overdue,
        (select count(*)::int from muster.tasks t
          where t.tenant_id = n.id and t.dead_lettered_at is not null) as dead,
        (select count(*)::int from muster.agent_traces r
          where r.tenant_id = n.id and r.created_at > now() - interval '1 minute') as starts
      from muster.tenants n order by n.id`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      tenant: row.tenant_id as TenantId,
      overdue: row.overdue,
      dead: row.dead,
      startsLastMinute: row.starts,
    }));
  }

  /** How many slots of each limited key are held, the most first, at most `limit` keys. */
  async slots(limit: number): Promise<{ key: string; held: number }[]> {
    const result = await sql<{ key: string; held: number }>`
      select key, count(*)::int as held from muster.concurrency_slots
      group by key order by held desc, key limit ${limit}`.execute(this.#em.getKysely());
    return result.rows;
  }

  /** The task queues of published graphs, each with its waiting tasks, and whether there are any: it has an index of these. */
  async taskQueues(): Promise<{ taskQueue: string; waits: boolean }[]> {
    const result = await sql<{ task_queue: string; waits: boolean }>`
      select g.task_queue, exists (
        select from muster.tasks t where t.task_queue = g.task_queue and t.status = 'pending') as waits
      from (select distinct task_queue from muster.agent_graphs where status = 'published') g order by 1`.execute(
      this.#em.getKysely(),
    );
    return result.rows.map((row) => ({ taskQueue: row.task_queue, waits: row.waits }));
  }

  /** Waiting tasks whose graph needs an agent that no process hosts, and the names of these agents. */
  async unhosted(): Promise<{ tasks: number; agents: string[] }> {
    const result = await sql<{ tasks: number; agents: string[] }>`
      with waiting as (
        select t.graph_id, count(*)::int as tasks from muster.tasks t where t.status = 'pending' group by t.graph_id
      ), missing as (
        select w.graph_id, w.tasks, array(
          select distinct c.handler from muster.agent_components c
          where c.graph_id = w.graph_id and c.component_type = 'agent' and c.handler is not null
            and not exists (select from muster.agents a where a.name = c.handler and a.status in (${LIVING}))
        ) as agents from waiting w
      )
      select coalesce(sum(m.tasks), 0)::int as tasks,
        array(select distinct unnest(n.agents) from missing n order by 1) as agents
      from missing m where m.agents <> '{}'`.execute(this.#em.getKysely());
    return result.rows[0] ?? { tasks: 0, agents: [] };
  }
}
