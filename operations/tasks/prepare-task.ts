import { createHash } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import type { Database } from '../../database/transaction.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { concurrencyKeys } from '../../domain/queues/concurrency-keys.ts';
import { priorityOfBand } from '../../domain/tasks/priority.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import type { GraphHead } from '../../entities/graphs/statements/newest-graphs.ts';
import type { NewTask } from '../../entities/tasks/new-task.ts';
import { INLINE_LIMIT } from '../../entities/traces/artifact-repository.ts';
import { GraphUnknown, InputTooLarge } from '../operation-errors.ts';
import { asInput, InputChecker } from './check-input.ts';
import { type SubmitOptions, timesOf } from './submit-options.ts';
import type { PreparedTask } from './write-tasks.ts';

const MAX_TITLE_LENGTH = 500;
/** How long a graph's newest version is taken as known. A version published meanwhile counts from the next look on. */
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

  /**
   * @param options parsed
   * @throws GraphUnknown, InputInvalid, InputTooLarge, InputUnreadable, OptionInvalid
   */
  async prepare(graphName: string, rawInput: JsonObject, options: SubmitOptions): Promise<PreparedTask> {
    const times = timesOf(options, new Date());
    const graph = await this.#graph(graphName);
    const { maxInputBytes } = this.#options;
    const input = await this.#withDocument(graph, asInput(rawInput));
    const inputJson = JSON.stringify(input);
    const bytes = Buffer.byteLength(inputJson);
    if (bytes > maxInputBytes) throw new InputTooLarge(bytes, maxInputBytes);
    this.#checker.check(graph, input);
    const large = inputJson.length > INLINE_LIMIT;
    const task: NewTask = {
      ...this.#descriptionOf(graph, input, options),
      input: large ? { json: null, artifactId: uuid() } : { json: inputJson, artifactId: null },
      startAfter: times.startAt,
      dueDate: times.dueAt,
      deadlineAt: times.deadlineAt,
      recurrence: times.recurrence,
      dependsOn: [...new Set(options.dependsOn ?? [])],
    };
    return { task, inputJson };
  }

  /**
   * Fills in a document: for a graph that takes one, `{ file }` becomes the file's text under the graph's document property,
   * and its base name under `name`. Everything else passes unchanged, and so does a file where none may be read.
   */
  async #withDocument({ documentProperty }: GraphHead, input: JsonObject): Promise<JsonObject> {
    const { readDocument, maxInputBytes } = this.#options;
    const { file, ...rest } = input;
    if (readDocument === undefined || documentProperty === null || typeof file !== 'string') return input;
    if (rest[documentProperty] !== undefined) return input;
    const { name, text } = await readDocument(file, maxInputBytes);
    return { name, ...rest, [documentProperty]: text };
  }

  #descriptionOf(graph: GraphHead, input: JsonObject, options: SubmitOptions) {
    const tenant = this.#tenant;
    const { name } = input;
    const title = options.title ?? (graph.documentProperty !== null && typeof name === 'string' ? name : graph.name);
    const user = options.user ?? null;
    const key = options.concurrencyKey ?? null;
    return {
      id: uuid() as TaskId,
      tenant,
      graphId: graph.id,
      graphName: graph.name,
      taskQueue: graph.taskQueue,
      title: title.slice(0, MAX_TITLE_LENGTH).toWellFormed(),
      priority: priorityOfBand(options.priority ?? 'normal'),
      userId: user,
      idempotencyKey: options.key ?? null,
      requestHash: sha256(canonicalJson({ graph: graph.name, input })),
      concurrencyKeys: concurrencyKeys({ tenant, graph: graph.name, user, agents: graph.agents, key }),
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
    const graph = await single.inTenant(tenant, ({ em }) => new GraphRepository(em).newest(tenant, name));
    if (graph !== null) return graph;
    const published = await single.inTenant(tenant, ({ em }) => new GraphRepository(em).listNewest(tenant));
    throw new GraphUnknown(
      name,
      published.map((head) => head.name),
    );
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
