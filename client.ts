import { type Conversation, conversationOf } from './client/conversation-handle.ts';
import { type EvaluateOptions, evaluate } from './client/evaluate.ts';
import { Face, withArguments } from './client/face.ts';
import { type Limits, limitsOf } from './client/limits.ts';
import { type Messages, messagesOf } from './client/messages.ts';
import { type ClientStores, openClientStores } from './client/open-stores.ts';
import { Operating } from './client/operating.ts';
import { connectOptions, graphsArgument, taskIdArgument, userArgument } from './client/options.ts';
import type { ConnectOptions, SubmittedTask } from './client/public-types.ts';
import { type TaskHandle, TaskReader } from './client/task-handle.ts';
import type { Evaluation } from './domain/evals/define-eval.ts';
import { type Graph, withChildren } from './domain/graphs/defined-graph.ts';
import type { JsonObject } from './domain/json.ts';
import type { AgentSearch } from './entities/agents/agent-repository.ts';
import type { GraphHead } from './entities/graphs/statements/graph-heads.ts';
import type { TaskRecord } from './entities/tasks/task-record.ts';
import { type AgentView, listAgents } from './operations/agents/list.ts';
import type { CallOptions } from './operations/call.ts';
import { type Caller, onBehalfOf, serviceCaller } from './operations/caller.ts';
import type { EvalWithScores } from './operations/evals/view.ts';
import { publish } from './operations/graphs/publish.ts';
import type { AnswerOf, InputOf, OperationName, OperationNamespaces } from './operations/register.ts';
import { listTasks, type TaskListOptions } from './operations/tasks/list.ts';
import { submitTask, submitTasks } from './operations/tasks/submit.ts';
import type { SubmitItem, SubmitOptions } from './operations/tasks/submit-options.ts';
import { taskIdOf } from './operations/tasks/task-fields.ts';

export { connectAgent } from './client/connect-agent.ts';
export type * from './client/public-types.ts';
export { GraphUnknown } from './operations/operation-errors.ts';

/**
 * Connects to Muster's stores: those that the options or the environment name, or else those that `muster up` started.
 * PostgreSQL has to answer; Redis and Temporal may be unavailable; they are reached when they are first needed.
 *
 * @example
 * const muster = await connect();
 * const task = await muster.submit('channel-digest', { file: 'talk.md' }, { priority: 'high', key: 'digest-17' });
 * const { output } = await task.result();
 * await muster.close();
 *
 * @throws OptionInvalid, NodeTooOld, ConfigInvalid, TemporalProfileInvalid, ServiceNotRunning, PostgresqlUnreachable
 */
export async function connect(options: ConnectOptions = {}): Promise<Muster> {
  return new Muster(await openClientStores(connectOptions(options)));
}

/** One program's connection, on behalf of one tenant. */
export class Muster extends Operating {
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

  /**
   * Every operation by its name, with its whole input as one object, as `muster call` takes it: the methods of this
   * class, and operations that have no method here.
   * @example
   * const { definition } = await muster.operations.graphs.show({ graph: 'greeting' });
   */
  readonly operations: OperationNamespaces;
  readonly #stores: ClientStores;
  readonly #face: Face;
  readonly #reader: TaskReader;

  constructor(stores: ClientStores, caller: Caller = serviceCaller(stores.tenant)) {
    const face = new Face(stores, caller);
    super(face);
    this.#stores = stores;
    this.#face = face;
    this.#reader = new TaskReader(this.#face, stores.wakeUps);
    this.operations = this.#face.namespaces();
    this.limits = limitsOf(this.#face, this.operations.limits);
    this.messages = messagesOf(this.#face);
  }

  /**
   * The same connection on behalf of a user: what it submits is the user's unless it says otherwise, limits count for the
   * user, and the audit log names the user. It restricts nothing: it has the connection's rights. Closing one closes both.
   * @example
   * await muster.as('u-17').submit('greeting', { name: 'Ada' });
   */
  as(user: string): Muster {
    return new Muster(this.#stores, onBehalfOf(this.#face.caller, userArgument(user)));
  }

  /**
   * Calls an operation by its name, as `muster call` does. Under a `key` a repetition answers what the first call answered.
   * @example
   * await muster.call('queue.setLimit', { key: 'graph:channel-digest', limit: 4 }, { key: 'change-17' });
   * @throws OptionInvalid for a name that no operation has, and what the operation throws
   */
  call<Name extends OperationName>(name: Name, input: InputOf<Name>, options?: CallOptions): Promise<AnswerOf<Name>> {
    return this.#face.callNamed(name, input, options);
  }

  /** The tenant that every call is for. */
  get tenant(): string {
    return this.#stores.tenant;
  }

  /**
   * Submits a task. When it returns, the task is in PostgreSQL and will reach exactly one end, whether or not a worker,
   * Redis or Temporal is available. A repetition under the same `key` returns the first task and writes nothing. Bad
   * input is refused before anything is written.
   *
   * @example
   * const task = await muster.submit('greeting', { name: 'Ada' }, { priority: 'high', user: 'u-17' });
   *
   * @throws GraphUnknown, InputInvalid, InputTooLarge, InputUnreadable, IdempotencyConflict, OptionInvalid
   */
  async submit(graph: string, input: JsonObject, options: SubmitOptions = {}): Promise<SubmittedTask> {
    const given = withArguments('submit', options, { graph, input });
    const { id, status, duplicate } = await this.#face.call(submitTask, given);
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
    const submissions = await this.#face.call(submitTasks, { graph, items });
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
    return this.#reader.handle(taskIdOf(this.#stores.tenant, taskIdArgument(id)));
  }

  /**
   * A conversation by its name, 1 to 200 characters. The first input begins it.
   * @example
   * const said = await muster.conversation('desk-17').say('Where is my order?', { key: 'mail-4711' });
   * const { state, reply } = await said.answer();
   */
  conversation(id: string): Conversation {
    return conversationOf(this.#face, this.#stores.wakeUps, id);
  }

  /**
   * The newest tasks first; with `overdue`, those that have not ended although they were due, longest overdue first. 1 to
   * 500 of them, 50 by default.
   * @example
   * const failed = await muster.tasks({ status: 'failed', limit: 20 });
   * @throws OptionInvalid
   */
  tasks(options: TaskListOptions = {}): Promise<TaskRecord[]> {
    return this.#face.call(listTasks, options);
  }

  /**
   * The active version of each graph that the tenant may use.
   * @example
   * for (const graph of await muster.graphs()) console.log(graph.name, graph.description);
   */
  graphs(): Promise<GraphHead[]> {
    return this.operations.graphs.list({});
  }

  /**
   * Publishes graphs for the tenant: each becomes the active version of its name, a new one unless a version is the same.
   * A worker that hosts their handlers must serve the task queue. `runWorker` publishes its own graphs by itself.
   * @example
   * await muster.publish([greeting]);
   */
  async publish(graphs: readonly Graph[], options: { taskQueue?: string } = {}): Promise<void> {
    const definitions = withChildren(graphsArgument(graphs)).map((graph) => graph.definition);
    await this.#face.call(publish, withArguments('publish', options, { definitions }));
  }

  /**
   * Runs an evaluation set against a version of its graph: a task for each case, a row for each score. A second call, after
   * a crash too, continues the run that has not ended: no case is submitted twice, and no score is asked for twice. A case
   * whose task fails has 0 from every scorer.
   * @example
   * const { means } = await muster.evaluate(supportEval, { version: 7 });
   * @throws ScorerFailed, GraphUnknown, InputInvalid, OptionInvalid
   */
  evaluate(evaluation: Evaluation, options: EvaluateOptions = {}): Promise<EvalWithScores> {
    return evaluate({ face: this.#face, reader: this.#reader }, evaluation, options);
  }

  /**
   * The agents that processes have registered, all or those with a role or a capability, with their last sign of life.
   * @example
   * const alive = (await muster.agents({ capability: 'write' })).filter((agent) => agent.health === 'alive');
   */
  agents(search: AgentSearch = {}): Promise<AgentView[]> {
    return this.#face.call(listAgents, search);
  }

  /**
   * Closes the connections. Tasks continue without this program.
   * @example
   * await muster.close();
   */
  close(): Promise<void> {
    return this.#stores.close();
  }
}
