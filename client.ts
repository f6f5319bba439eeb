import { GraphUnknown, TaskUnknown } from './client/errors.ts';
import { type ClientStores, type OpenClientOptions, openClientStores } from './client/open-stores.ts';
import { type SubmitOptions, Submitter } from './client/submit.ts';
import { type TaskHandle, TaskReader } from './client/task-handle.ts';
import { publishGraphs } from './database/publish-graphs.ts';
import type { Graph } from './domain/graphs/define-graph.ts';
import { isUuid, type TaskId } from './domain/ids.ts';
import type { JsonObject } from './domain/json.ts';
import type { PriorityBand } from './domain/tasks/priority.ts';
import type { TaskStatus } from './domain/tasks/status.ts';
import { type AgentRecord, AgentRepository } from './entities/agents/agent-repository.ts';
import { type GraphHead, GraphRepository } from './entities/graphs/graph-repository.ts';
import type { TaskRecord } from './entities/tasks/task-record.ts';
import { TaskRepository } from './entities/tasks/task-repository.ts';

export type { SubmitOptions } from './client/submit.ts';
export type { TaskEvent, TaskHandle, TaskResult, TaskView } from './client/task-handle.ts';

export type ConnectOptions = OpenClientOptions;

/** A task that was just submitted, or found again under its key. */
export interface SubmittedTask extends TaskHandle {
  readonly status: TaskStatus;
  /** True when the key was known: nothing was written, this is the task of the first submit. */
  readonly duplicate: boolean;
}

/** What waits and what runs, for the tenant. */
export interface QueueView {
  readonly waiting: Readonly<Record<PriorityBand, number>>;
  readonly running: number;
}

/**
 * Connects to Muster's stores: those that the options or the environment name, or else those that `muster up` started.
 * PostgreSQL has to answer; Redis and Temporal may be away, and are asked when they are needed.
 *
 * @example
 * const muster = await connect();
 * const task = await muster.submit('channel-digest', { file: 'talk.md' }, { priority: 'high', key: 'digest-17' });
 * const { output } = await task.result();
 * await muster.close();
 *
 * @throws ConfigInvalid, TemporalProfileInvalid, ServiceNotRunning, PostgresqlUnreachable
 */
export async function connect(options: ConnectOptions = {}): Promise<Muster> {
  return new Muster(await openClientStores(options));
}

/** One program's connection, on behalf of one tenant. */
export class Muster {
  readonly #stores: ClientStores;
  readonly #submitter: Submitter;
  readonly #reader: TaskReader;

  constructor(stores: ClientStores) {
    this.#stores = stores;
    this.#submitter = new Submitter(stores);
    this.#reader = new TaskReader(stores);
  }

  /** The tenant that every call is for. */
  get tenant(): string {
    return this.#stores.tenant;
  }

  /**
   * Submits a task. When it returns, the task is in PostgreSQL and will reach exactly one end, whether or not a worker,
   * Redis or Temporal is there. A repetition under the same `key` returns the first task and writes nothing. Bad input
   * is refused before anything is written.
   *
   * @example
   * const task = await muster.submit('greeting', { name: 'Ada' }, { priority: 'high', user: 'u-17' });
   *
   * @throws GraphUnknown, InputInvalid, InputTooLarge, InputUnreadable, IdempotencyConflict
   */
  async submit(graph: string, input: JsonObject, options: SubmitOptions = {}): Promise<SubmittedTask> {
    const { id, status, duplicate } = await this.#submitter.submit(graph, input, options);
    return Object.assign(this.#reader.handle(id), { status, duplicate });
  }

  /**
   * A handle on a task that was submitted earlier, by this program or another one. Nothing is read yet.
   * @example
   * const { output } = await muster.task(id).result();
   * @throws TaskUnknown when the text is not a task's id
   */
  task(id: string): TaskHandle {
    if (!isUuid(id)) throw new TaskUnknown(id, this.tenant);
    return this.#reader.handle(id as TaskId);
  }

  /**
   * The newest tasks first.
   * @example
   * const failed = await muster.tasks({ status: 'failed', limit: 20 });
   */
  tasks(filter: { status?: TaskStatus; graph?: string; limit?: number } = {}): Promise<TaskRecord[]> {
    const limit = Math.min(500, Math.max(1, filter.limit ?? 50));
    return this.#inTenant(({ em }) => new TaskRepository(em).list({ ...filter, limit }));
  }

  /**
   * The newest published version of each graph that the tenant may use.
   * @example
   * for (const graph of await muster.graphs()) console.log(graph.name, graph.description);
   */
  graphs(): Promise<GraphHead[]> {
    return this.#inTenant(({ em }) => new GraphRepository(em).listNewest(this.#stores.tenant));
  }

  /**
   * Publishes graphs for the tenant, each as a new version unless its newest version is the same. A worker that hosts
   * their handlers must serve the task queue. `runWorker` publishes its own graphs by itself.
   * @example
   * await muster.publish([greeting]);
   */
  publish(graphs: readonly Graph[], options: { taskQueue?: string } = {}): Promise<void> {
    const { database, tenant, config } = this.#stores;
    const taskQueue = options.taskQueue ?? config.taskQueue;
    return publishGraphs(database, { tenant, taskQueue, definitions: graphs.map((graph) => graph.definition) });
  }

  /**
   * The agents that workers have registered, with their last sign of life.
   * @example
   * const offline = (await muster.agents()).filter((agent) => agent.status === 'offline');
   */
  agents(): Promise<AgentRecord[]> {
    return this.#inTenant(({ em }) => new AgentRepository(em).list());
  }

  /**
   * How many tasks wait in each band and how many run.
   * @example
   * const { waiting, running } = await muster.queue();
   */
  async queue(): Promise<QueueView> {
    const { running, ...waiting } = await this.#inTenant(({ em }) => new TaskRepository(em).depth());
    return { waiting, running };
  }

  /**
   * Closes the connections. Tasks go on without this program.
   * @example
   * await muster.close();
   */
  close(): Promise<void> {
    return this.#stores.close();
  }

  #inTenant: ClientStores['inTenant'] = (work) => this.#stores.inTenant(work);
}

export { GraphUnknown };
