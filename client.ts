import { GraphUnknown, TaskUnknown } from './client/client-errors.ts';
import {
  type DeadLetter,
  DeadLetters,
  type DeadListOptions,
  type RedriveAll,
  type RedriveOptions,
  type RedriveReport,
} from './client/dead-letters.ts';
import type { Limits } from './client/limits.ts';
import type { Messages } from './client/messages.ts';
import { type ClientStores, openClientStores } from './client/open-stores.ts';
import { connectOptions } from './client/options/connect-options.ts';
import type { LimitOptions } from './client/options/queue-options.ts';
import {
  agentSearch,
  publishedGraphs,
  publishOptions,
  queueOptions,
  type TaskListOptions,
  taskIdArgument,
  taskListOptions,
} from './client/options/task-options.ts';
import type { AgentView, ConnectOptions, SubmittedTask } from './client/public-types.ts';
import { QueueControl } from './client/queue-control.ts';
import type { QueueView } from './client/queue-view.ts';
import { readQueue } from './client/read-queue.ts';
import { type SubmitItem, Submitter } from './client/submit.ts';
import type { SubmitOptions } from './client/submit-options.ts';
import { type TaskHandle, TaskReader } from './client/task-handle.ts';
import { publishGraphs } from './database/publish-graphs.ts';
import { agentHealth } from './domain/agents/health.ts';
import type { Graph } from './domain/graphs/defined-graph.ts';
import { isUuid, type TaskId } from './domain/ids.ts';
import type { JsonObject } from './domain/json.ts';
import type { QueueSettings } from './domain/queues/queue-settings.ts';
import { AgentRepository, type AgentSearch } from './entities/agents/agent-repository.ts';
import { GraphRepository } from './entities/graphs/graph-repository.ts';
import type { GraphHead } from './entities/graphs/statements/newest-graphs.ts';
import type { TaskRecord } from './entities/tasks/task-record.ts';
import { TaskRepository } from './entities/tasks/task-repository.ts';

export { connectAgent } from './client/connect-agent.ts';
export type * from './client/public-types.ts';

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
 * @throws OptionInvalid, ConfigInvalid, TemporalProfileInvalid, ServiceNotRunning, PostgresqlUnreachable
 */
export async function connect(options: ConnectOptions = {}): Promise<Muster> {
  return new Muster(await openClientStores(connectOptions(options)));
}

/** One program's connection, on behalf of one tenant. */
export class Muster {
  /**
   * The limits on how much may happen in a time, for programs that ask and operators who set them.
   * @example
   * const { allowed, retryAfterMs } = await muster.limits.take({ user: 'u-17', endpoint: 'chat' });
   */
  readonly limits: Limits;

  /**
   * Messages to agents, from this program, and what became of them.
   * @example
   * const answer = await muster.messages.request('calendar', { day: '2026-11-23' });
   */
  readonly messages: Messages;
  readonly #stores: ClientStores;
  readonly #submitter: Submitter;
  readonly #reader: TaskReader;
  readonly #deadLetters: DeadLetters;
  readonly #queue: QueueControl;

  constructor(stores: ClientStores) {
    this.limits = stores.limits;
    this.messages = stores.messages;
    this.#stores = stores;
    this.#submitter = new Submitter(stores);
    this.#reader = new TaskReader(stores);
    this.#deadLetters = new DeadLetters(stores);
    this.#queue = new QueueControl(stores);
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
   * @throws GraphUnknown, InputInvalid, InputTooLarge, InputUnreadable, IdempotencyConflict, OptionInvalid
   */
  async submit(graph: string, input: JsonObject, options: SubmitOptions = {}): Promise<SubmittedTask> {
    const { id, status, duplicate } = await this.#submitter.submit(graph, input, options);
    return Object.assign(this.#reader.handle(id), { status, duplicate });
  }

  /**
   * Submits up to 10,000 tasks of one graph in one transaction: all of them or, when one is refused, none. Each item is an
   * input with the options of `submit`, and the answers come in the items' order. Otherwise it promises what `submit`
   * does.
   *
   * @example
   * const items = ['Ada', 'Grace'].map((name) => ({ input: { name }, key: `greet-${name}` }));
   * const tasks = await muster.submitMany('greeting', items);
   *
   * @throws GraphUnknown, InputInvalid, InputTooLarge, InputUnreadable, IdempotencyConflict, OptionInvalid
   */
  async submitMany(graph: string, items: readonly SubmitItem[]): Promise<SubmittedTask[]> {
    const submissions = await this.#submitter.submitMany(graph, items);
    return submissions.map(({ id, status, duplicate }) =>
      Object.assign(this.#reader.handle(id), { status, duplicate }),
    );
  }

  /**
   * A handle on a task that was submitted earlier, by this program or another one. Nothing is read yet.
   * @example
   * const { output } = await muster.task(id).result();
   * @throws TaskUnknown when the text is not a task's id
   */
  task(id: string): TaskHandle {
    const given = taskIdArgument(id);
    if (!isUuid(given)) throw new TaskUnknown(given, this.tenant);
    return this.#reader.handle(given as TaskId);
  }

  /**
   * The newest tasks first; with `overdue`, those that have not ended although they were due, longest overdue first. 1 to
   * 500 of them, 50 by default.
   * @example
   * const failed = await muster.tasks({ status: 'failed', limit: 20 });
   * @throws OptionInvalid
   */
  async tasks(options: TaskListOptions = {}): Promise<TaskRecord[]> {
    const { limit = 50, ...filter } = taskListOptions(options);
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
  async publish(graphs: readonly Graph[], options: { taskQueue?: string } = {}): Promise<void> {
    const { database, tenant, config } = this.#stores;
    const { taskQueue = config.taskQueue } = publishOptions(options);
    const definitions = publishedGraphs(graphs).map((graph) => graph.definition);
    await publishGraphs(database, { tenant, taskQueue, definitions });
  }

  /**
   * The agents that processes have registered, all or those with a role or a capability, with their last sign of life.
   * @example
   * const writers = await muster.agents({ capability: 'write' });
   * const alive = writers.filter((agent) => agent.health === 'alive');
   */
  async agents(search: AgentSearch = {}): Promise<AgentView[]> {
    const checked = agentSearch(search);
    const found = await this.#inTenant(({ em }) => new AgentRepository(em).list(checked));
    const now = new Date();
    return found.map((agent) => ({ ...agent, health: agentHealth(agent, now) }));
  }

  /**
   * What waits, what runs and what holds it up: the tenant's own tasks, or those of all tenants. The limits, pauses and
   * weights are the whole installation's. Counted in PostgreSQL, so it is true while Redis is unavailable too.
   *
   * @example
   * const { waiting, running, bands } = await muster.queue();
   * const everybody = await muster.queue({ allTenants: true });
   */
  async queue(options: { allTenants?: boolean } = {}): Promise<QueueView> {
    const { allTenants = false } = queueOptions(options);
    return readQueue(this.#stores, { allTenants });
  }

  /**
   * Starts nothing more of a band, a tenant or a graph until it is resumed; what runs goes on. It counts for the whole
   * installation, within two seconds, and survives restarts. Repeating it changes nothing. A single task is paused by
   * its own handle.
   *
   * @example
   * await muster.pause('graph:channel-digest');
   *
   * @throws OptionInvalid for what is no `band:NAME`, `tenant:NAME` or `graph:NAME`
   */
  pause(target: string): Promise<QueueSettings> {
    return this.#queue.setPaused(target, true);
  }

  /**
   * Undoes {@link Muster.pause}. Repeating it changes nothing.
   * @example
   * await muster.resume('graph:channel-digest');
   * @throws OptionInvalid
   */
  resume(target: string): Promise<QueueSettings> {
    return this.#queue.setPaused(target, false);
  }

  /**
   * Limits how many tasks with a concurrency key are open at once, in the whole installation: `tenant:NAME`,
   * `graph:NAME`, `agent:NAME`, `user:TENANT/USER`, `key:TENANT/KEY`, or `<kind>:*` for every key of a kind that has no
   * limit of its own. 0 to 1,000,000; null for the default, which is one for `user:*` and none for all else. Tasks that
   * run are left alone. It counts within two seconds. With `while: 'occupying'` tasks hold no slot while they are paused or
   * wait for input, an approval, a message or a time; one that continues is over the limit for a while if it is full.
   *
   * @example
   * await muster.setLimit('graph:channel-digest', 4);
   * await muster.setLimit('key:acme/desk', 2, { while: 'occupying' });
   *
   * @throws SettingsInvalid
   */
  setLimit(key: string, limit: number | null, options: LimitOptions = {}): Promise<QueueSettings> {
    return this.#queue.setLimit(key, limit, options);
  }

  /**
   * Sets a tenant's share of the starts within a band against the others'. 0.01 to 1,000; null for the default of 1.
   * @example
   * await muster.setWeight('acme', 3);
   * @throws SettingsInvalid
   */
  setWeight(tenant: string, weight: number | null): Promise<QueueSettings> {
    return this.#queue.setWeight(tenant, weight);
  }

  /**
   * The tenant's tasks that failed and were not redriven, with cause, node and trace; the latest deaths first.
   * @example
   * const letters = await muster.dead({ graph: 'channel-digest', since: new Date(Date.now() - 3_600_000) });
   */
  dead(options: DeadListOptions = {}): Promise<DeadLetter[]> {
    return this.#deadLetters.list(options);
  }

  /**
   * Lets failed tasks wait again, each to be started under a new trace that names the failed one as its origin; what the
   * failed trace left stays readable. A task that depends on others is blocked until they have completed. Repeating it
   * does nothing twice. Asked for one task it raises an error where that one cannot be redriven; asked for several it
   * says so in the report. Effects that a failed trace recorded as done are not done again, unless `effects: 'repeat'`.
   *
   * @example
   * await muster.redrive(id);
   * await muster.redrive(id, { effects: 'repeat' });
   * const { tasks } = await muster.redrive({ all: true, graph: 'channel-digest' }, { dryRun: true });
   *
   * @throws TaskNotDead, DependencyDead, TaskUnknown, OptionInvalid
   */
  redrive(target: string | readonly string[] | RedriveAll, options: RedriveOptions = {}): Promise<RedriveReport> {
    return this.#deadLetters.redrive(target, options);
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
