import { createHash } from 'node:crypto';
import { newId } from '../../database/new-id.ts';
import type { Database } from '../../database/transaction.ts';
import { hasLimits, limitsOfOptions, NO_LIMITS } from '../../domain/budgets/amounts.ts';
import type { ArtifactId, TaskId, TenantId } from '../../domain/ids.ts';
import { canonicalJson, type JsonObject } from '../../domain/json.ts';
import { concurrencyKeys, type TaskTraits } from '../../domain/queues/concurrency-keys.ts';
import { priorityOfBand } from '../../domain/tasks/priority.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import type { GraphHead } from '../../entities/graphs/statements/graph-heads.ts';
import type { NewTask } from '../../entities/tasks/new-task.ts';
import { INLINE_LIMIT } from '../../entities/traces/artifact-repository.ts';
import { GraphUnknown, InputTooLarge } from '../operation-errors.ts';
import { asInput, InputChecker } from './check-input.ts';
import { type CallerOptions, type TaskTimes, timesOf } from './submit-options.ts';
import { MAX_TITLE_LENGTH } from './task-fields.ts';
import type { PreparedTask } from './write-tasks.ts';

/** How long a graph's active version is taken as known. One activated meanwhile counts from the next look on. */
const GRAPH_MEMORY_MS = 2_000;

interface KnownGraph {
  readonly graph: Promise<GraphHead>;
  readonly until: number;
}

/** Reads a file as a text, and under which name it is shown. @throws InputUnreadable, InputTooLarge */
export type ReadDocument = (
  file: string,
  maxBytes: number,
) => Promise<{ readonly name: string; readonly text: string }>;

interface PreparerOptions {
  readonly database: Database;
  readonly maxInputBytes: number;
  readonly readDocument?: ReadDocument;
}

/** The options of a task, and what was worked out of them. */
interface WorkedOut extends CallerOptions {
  readonly times: TaskTimes;
  /** Its concurrency keys. */
  readonly keys: readonly string[];
}

/** Makes new tasks of what callers submit. Writes nothing. */
export class TaskPreparer {
  readonly #tenant: TenantId;
  readonly #options: PreparerOptions;
  readonly #checker = new InputChecker();
  readonly #graphs = new Map<string, KnownGraph>();

  constructor(tenant: TenantId, options: PreparerOptions) {
    this.#tenant = tenant;
    this.#options = options;
  }

  /** @throws what {@link TaskPreparer.forGraph} and the function that it returns throw */
  async prepare(graphName: string, input: JsonObject, options: CallerOptions): Promise<PreparedTask> {
    return (await this.forGraph(graphName))(input, options);
  }

  /**
   * Finds a graph, and returns a function that makes tasks of its inputs and of parsed options. The function answers at
   * once unless a document has to be read, and throws InputInvalid, InputTooLarge, InputUnreadable and OptionInvalid.
   * @throws GraphUnknown
   */
  async forGraph(
    name: string,
  ): Promise<(input: JsonObject, options: CallerOptions) => PreparedTask | Promise<PreparedTask>> {
    return this.ofGraph(await this.#graph(name));
  }

  /** The same for a graph that is known. */
  ofGraph(graph: GraphHead): (input: JsonObject, options: CallerOptions) => PreparedTask | Promise<PreparedTask> {
    const keysOf = keysInCommon({ tenant: this.#tenant, graph: graph.name, agents: graph.agents });
    return (given, options) => {
      const { user = null, concurrencyKey = null } = options;
      const more = { times: timesOf(options, new Date()), keys: keysOf(user, concurrencyKey) };
      const input = asInput(given);
      const document = this.#documentOf(graph, input);
      if (document === null) return this.#taskOf(graph, input, { ...options, ...more });
      return document.then((whole) => this.#taskOf(graph, whole, { ...options, ...more }));
    };
  }

  #taskOf(graph: GraphHead, input: JsonObject, options: WorkedOut): PreparedTask {
    const { maxInputBytes } = this.#options;
    const inputJson = JSON.stringify(input);
    const bytes = Buffer.byteLength(inputJson);
    if (bytes > maxInputBytes) throw new InputTooLarge(bytes, maxInputBytes);
    this.#checker.check(graph, input);
    const large = inputJson.length > INLINE_LIMIT;
    const { times } = options;
    const task: NewTask = {
      ...this.#descriptionOf(graph, input, options),
      input: large ? { json: null, artifactId: newId<ArtifactId>() } : { json: inputJson, artifactId: null },
      startAfter: times.startAt,
      dueDate: times.dueAt,
      deadlineAt: times.deadlineAt,
      recurrence: times.recurrence,
      dependsOn: [...new Set(options.dependsOn)],
      ...originOf(options),
    };
    return { task, inputJson };
  }

  /**
   * Fills in a document: for a graph that takes one, `{ file }` becomes the text of the file under the graph's document
   * property, and its base name under `name`. Null for any other input, and where no file may be read.
   */
  #documentOf({ documentProperty }: GraphHead, input: JsonObject): Promise<JsonObject> | null {
    const { readDocument, maxInputBytes } = this.#options;
    if (readDocument === undefined || documentProperty === null || typeof input.file !== 'string') return null;
    if (input[documentProperty] !== undefined) return null;
    const { file, ...rest } = input;
    return readDocument(input.file, maxInputBytes).then(({ name, text }) => ({
      name,
      ...rest,
      [documentProperty]: text,
    }));
  }

  #descriptionOf(graph: GraphHead, input: JsonObject, options: WorkedOut) {
    const tenant = this.#tenant;
    const { name } = input;
    const title = options.title ?? (graph.documentProperty !== null && typeof name === 'string' ? name : graph.name);
    const { user = null, conversation = null, key = null, keys } = options;
    return {
      id: newId<TaskId>(),
      tenant,
      graphId: graph.id,
      graphName: graph.name,
      taskQueue: graph.taskQueue,
      title: title.slice(0, MAX_TITLE_LENGTH).toWellFormed(),
      priority: priorityOfBand(options.priority ?? 'normal'),
      userId: user,
      conversation,
      idempotencyKey: key,
      requestHash: key === null ? '' : sha256(canonicalJson({ graph: graph.name, input })),
      concurrencyKeys: keys,
    };
  }

  /** Callers at the same moment share one look. */
  #graph(name: string): Promise<GraphHead> {
    const known = this.#graphs.get(name);
    if (known !== undefined && known.until > performance.now()) return known.graph;
    const graph = this.#readGraph(name);
    this.#graphs.set(name, { graph, until: performance.now() + GRAPH_MEMORY_MS });
    graph.catch(() => this.#graphs.delete(name));
    return graph;
  }

  async #readGraph(name: string): Promise<GraphHead> {
    const tenant = this.#tenant;
    const { single } = this.#options.database;
    const graph = await single.inTenant(tenant, ({ em }) => new GraphRepository(em).head(tenant, name));
    if (graph !== null) return graph;
    const published = await single.inTenant(tenant, ({ em }) => new GraphRepository(em).listActive(tenant));
    throw new GraphUnknown(name, published);
  }
}

/** What it may spend, and who spawned it; nothing for most tasks. */
function originOf({
  budget,
  parent,
  agent,
}: CallerOptions): Pick<NewTask, 'budget' | 'whenExhausted' | 'parent' | 'agent'> {
  const limits = budget === undefined ? NO_LIMITS : limitsOfOptions(budget);
  const own = { budget: limits, whenExhausted: budget?.whenExhausted ?? 'end' };
  return { ...(hasLimits(limits) && own), ...(parent && { parent }), ...(agent && { agent }) };
}

/**
 * The concurrency keys of tasks of a graph. Tasks that follow each other and have user and own key in common have one list,
 * which is packed and compared once for all of them: of a thousand tasks that is a sixth of what they cost us.
 */
function keysInCommon(graph: Pick<TaskTraits, 'tenant' | 'graph' | 'agents'>) {
  let last: { readonly user: string | null; readonly key: string | null; readonly keys: readonly string[] } | null =
    null;
  return (user: string | null, key: string | null): readonly string[] => {
    if (last === null || last.user !== user || last.key !== key) {
      last = { user, key, keys: concurrencyKeys({ ...graph, user, key }) };
    }
    return last.keys;
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
