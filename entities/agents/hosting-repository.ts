import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { HostedNeeds, HostingWorker } from '../../domain/agents/hosting.ts';
import { DEAD_AFTER_SECONDS } from '../../domain/agents/liveness.ts';
import type { TaskId } from '../../domain/ids.ts';
import { OPEN_TASK_STATUSES } from '../../domain/tasks/task-status.ts';

/** Tasks of one graph that have not ended and may start or run, and what they need of a worker. */
export interface NeedsOfGraph extends HostedNeeds {
  readonly graph: string;
  readonly waiting: number;
  readonly running: number;
}

const OPEN = sql.join(OPEN_TASK_STATUSES.map((status) => sql.lit(status)));

/** Who hosts what, and what tasks need of it: why they do not move. Every method is one statement. */
export class HostingRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** The workers that are alive. Those of an older version do not say what they host, and are left out. */
  async workers(): Promise<HostingWorker[]> {
    const result = await sql<{ task_queue: string; handlers: string[]; silent: number }>`
      select task_queue, handlers, extract(epoch from now() - renewed_at)::float8 as silent from muster.agent_leases
      where ended_at is null and task_queue is not null
        and renewed_at > now() - make_interval(secs => ${DEAD_AFTER_SECONDS})`.execute(this.#em.getKysely());
    return result.rows.map(({ task_queue: taskQueue, handlers, silent }) => ({
      ...{ taskQueue, handlers },
      silentSeconds: silent,
    }));
  }

  /** The processes whose workers serve a task queue and are alive, sorted; one that has said goodbye is not. */
  async serving(taskQueue: string): Promise<string[]> {
    const result = await sql<{ process: string }>`
      select distinct process from muster.agent_leases
      where ended_at is null and task_queue = ${taskQueue}
        and renewed_at > now() - make_interval(secs => ${DEAD_AFTER_SECONDS})
      order by 1`.execute(this.#em.getKysely());
    return result.rows.map(({ process }) => process);
  }

  /** What a task still needs: the handlers of the nodes that have not ended. Null for one that does not wait for a worker. */
  async needsOf(id: TaskId): Promise<HostedNeeds | null> {
    const result = await sql<{ task_queue: string; handlers: string[] }>`
      select t.task_queue, array(
        select distinct c.component_type || ':' || c.handler from muster.agent_components c
        where c.graph_id = t.graph_id and c.handler is not null and not exists (
          select from muster.agent_traces r join muster.agent_runs n on n.trace_id = r.id and n.node_id = c.node_id
          where r.task_id = t.id and r.number = t.trace_count and t.status <> 'pending' and n.finished_at is not null)
        order by 1) as handlers
      from muster.tasks t where t.id = ${id} and t.status in ('pending', ${OPEN})`.execute(this.#em.getKysely());
    const [row] = result.rows;
    return row === undefined ? null : { taskQueue: row.task_queue, handlers: row.handlers };
  }

  /** The same for all tasks, by graph. The cost grows with the tasks that have not ended. */
  async needs(): Promise<NeedsOfGraph[]> {
    const result = await sql<Record<string, unknown>>`
      select g.graph_name, g.task_queue, g.waiting, g.running, array(
        select distinct c.component_type || ':' || c.handler from muster.agent_components c
        where c.graph_id = g.graph_id and c.handler is not null order by 1) as handlers
      from (
        select t.graph_id, t.graph_name, t.task_queue, count(*) filter (where t.status = 'pending')::int as waiting,
          count(*) filter (where t.status <> 'pending')::int as running
        from muster.tasks t where t.status in ('pending', ${OPEN}) group by 1, 2, 3
      ) g order by g.waiting desc, g.graph_name`.execute(this.#em.getKysely());
    return result.rows.map((row) => ({
      graph: row.graph_name as string,
      taskQueue: row.task_queue as string,
      waiting: row.waiting as number,
      running: row.running as number,
      handlers: row.handlers as string[],
    }));
  }
}
