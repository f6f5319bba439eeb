import { sql } from 'kysely';
import { v7 as uuid } from 'uuid';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { DEFAULT_TENANT, SYSTEM_TENANT, type TaskId, type TenantId, type TraceId } from '../../domain/ids.ts';
import { concurrencyKeys } from '../../domain/queues/concurrency-keys.ts';
import { DEFAULT_QUEUE_SETTINGS, type QueueSettings } from '../../domain/queues/queue-settings.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { ClaimRepository } from '../../entities/tasks/claim-repository.ts';
import type { ReadyTurn } from '../../entities/tasks/claimant.ts';
import type { ClaimedTask } from '../../entities/tasks/claimed-task.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import { TRACE } from '../../entities/traces/event-rows.ts';
import { publishGraphs } from '../../operations/graphs/publish-graphs.ts';
import { Recorder } from '../../operations/record/recorder.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase, sharedStack } from '../support/stack.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';

export const TASK_QUEUE = 'claims';
export const HANDLERS = ['agent:slow-step', 'agent:quick-step'];

/** A task to be inserted; what is left out is like every other task. */
export interface TaskTraits {
  readonly tenant?: string;
  readonly user?: string | null;
  readonly graph?: string;
  readonly priority?: number;
  readonly key?: string | null;
  readonly taskQueue?: string;
}

/** A database with published graphs, into which a test puts waiting tasks, and claims and ends them manually. */
export class ClaimBed {
  readonly database: Database;
  readonly clone: ClonedDatabase;
  readonly #graphs: ReadonlyMap<string, string>;
  settings: QueueSettings = DEFAULT_QUEUE_SETTINGS;

  private constructor(clone: ClonedDatabase, database: Database, graphs: ReadonlyMap<string, string>) {
    this.clone = clone;
    this.database = database;
    this.#graphs = graphs;
  }

  static async open(title: string, poolSize = 6): Promise<ClaimBed> {
    const clone = await cloneDatabase(await sharedStack(), title);
    const database = openDatabase({ url: clone.databaseUrl, poolSize, applicationName: title });
    const graphs = scriptedGraphs(new Script());
    const definitions = [graphs.single.definition, graphs.swift.definition];
    await publishGraphs(database, { tenant: SYSTEM_TENANT, taskQueue: TASK_QUEUE, definitions });
    const ids = new Map<string, string>();
    for (const { name } of definitions) {
      const graph = await database.inTenant(DEFAULT_TENANT, ({ em }) =>
        new GraphRepository(em).head(DEFAULT_TENANT, name),
      );
      ids.set(name, graph?.id ?? '');
    }
    return new ClaimBed(clone, database, ids);
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.clone.drop();
  }

  async insert(traits: TaskTraits = {}, count = 1): Promise<TaskId[]> {
    const { tenant = DEFAULT_TENANT, user = null, graph = 'single', priority = 5, key = null } = traits;
    const { taskQueue = TASK_QUEUE } = traits;
    const ids = Array.from({ length: count }, () => uuid() as TaskId);
    const keys = concurrencyKeys({ tenant: tenant as TenantId, graph, user, agents: ['slow-step'], key });
    await this.database.inSystem('publish', ({ em }) =>
      sql`insert into muster.tenants (id) values (${tenant}) on conflict do nothing`.execute(em.getKysely()),
    );
    await this.database.inTenant(tenant, ({ em }) =>
      sql`insert into muster.tasks (id, tenant_id, graph_id, graph_name, task_queue, title, priority, user_id, request_hash,
          input, concurrency_keys)
        select i, ${tenant}, ${this.#graphs.get(graph)}, ${graph}, ${taskQueue}, 'title', ${priority}, ${user}, 'hash',
          '{}', ${keys}::text[]
        from unnest(${ids}::uuid[]) as i`.execute(em.getKysely()),
    );
    return ids;
  }

  /** @param traceId of the one task, for a claim that is repeated */
  async claim(ids: readonly TaskId[], workerId = 'worker', traceId?: string): Promise<ClaimedTask[]> {
    const wanted = new Map(ids.map((id) => [id, (traceId ?? uuid()) as TraceId]));
    const claimant = { workerId, taskQueue: TASK_QUEUE, handlers: HANDLERS };
    return this.database.single.inSystem('dispatch', ({ em }) =>
      new ClaimRepository(em).claim(wanted, claimant, { settings: this.settings, trace: TRACE }),
    );
  }

  async claimIds(ids: readonly TaskId[], workerId?: string): Promise<TaskId[]> {
    return (await this.claim(ids, workerId)).map((task) => task.execution.taskId);
  }

  ready(limit: number, turn: ReadyTurn = 'highest'): Promise<TaskId[]> {
    return this.database.single.inSystem('dispatch', ({ em }) =>
      new ClaimRepository(em).ready({ taskQueue: TASK_QUEUE, handlers: HANDLERS }, this.settings, { limit, turn }),
    );
  }

  async end(
    { execution }: Pick<ClaimedTask, 'execution'>,
    status: 'completed' | 'failed' = 'completed',
  ): Promise<void> {
    const failure = status === 'completed' ? null : { code: 'task_failed', message: 'as the test says' };
    const end = { execution, status, failure, output: NOTHING_STORED, reply: '' };
    await this.database.single.inTenant(execution.tenant, ({ em }) => new Recorder(em).taskEnded(end));
  }

  async slotCount(): Promise<number> {
    const result = await this.database.single.inSystem('inspect', ({ em }) =>
      sql<{ count: number }>`select count(*)::int as count from muster.concurrency_slots`.execute(em.getKysely()),
    );
    return result.rows[0]?.count ?? 0;
  }

  /** Changes rows behind the product's back. */
  async asSuperuser(statement: string): Promise<void> {
    await withPostgresql(this.clone.superuserUrl, async (client) => {
      await client.query('set session_replication_role = replica');
      await client.query(statement);
    });
  }

  /** How many open tasks there are with each key, and how many slots of it are held. */
  async open(): Promise<Map<string, { open: number; slots: number }>> {
    const result = await this.database.single.inSystem('inspect', ({ em }) =>
      sql<{ key: string; open: number; slots: number }>`
        select k.key, count(*)::int as open,
          (select count(*)::int from muster.concurrency_slots s where s.key = k.key) as slots
        from muster.tasks t cross join unnest(t.concurrency_keys) as k(key)
        where t.status = 'in_progress' group by 1`.execute(em.getKysely()),
    );
    return new Map(result.rows.map(({ key, ...counts }) => [key, counts]));
  }
}
