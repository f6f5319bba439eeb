import { createHash } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { TaskId } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { PRIORITY_BANDS, type PriorityBand, priorityOfBand } from '../domain/tasks/priority.ts';
import type { TaskStatus } from '../domain/tasks/status.ts';
import { type GraphHead, GraphRepository } from '../entities/graphs/graph-repository.ts';
import { type NewTask, TaskRepository } from '../entities/tasks/task-repository.ts';
import { ArtifactRepository, INLINE_LIMIT } from '../entities/traces/artifact-repository.ts';
import { asInput, InputChecker, withDocument } from './check-input.ts';
import { GraphUnknown, IdempotencyConflict, InputInvalid, InputTooLarge } from './errors.ts';
import type { ClientStores } from './open-stores.ts';

export interface SubmitOptions {
  /** The band in which the task waits. @defaultValue 'normal' */
  readonly priority?: PriorityBand;
  /** On whose behalf. Tasks of one user never overlap: each waits for the one before. 1 to 255 characters. */
  readonly user?: string;
  /**
   * Makes a repetition harmless: the same key in the same tenant is the same task, for as long as retention keeps the
   * task (90 days by default). 1 to 255 characters.
   */
  readonly key?: string;
  /** Shown in lists and in the Temporal Web UI, so nothing secret. @defaultValue the document's name, or the graph's */
  readonly title?: string;
}

export interface Submission {
  readonly id: TaskId;
  readonly status: TaskStatus;
  readonly duplicate: boolean;
}

const MAX_NAME_LENGTH = 255;
const MAX_TITLE_LENGTH = 500;
/** How long a graph's newest version is taken as known. A version published meanwhile counts from the next look on. */
const GRAPH_MEMORY_MS = 2_000;

/** Takes tasks in: checks, writes, and tells the queue. */
export class Submitter {
  readonly #stores: ClientStores;
  readonly #checker = new InputChecker();
  readonly #graphs = new Map<string, { graph: GraphHead; until: number }>();
  #tenantKnown = false;

  constructor(stores: ClientStores) {
    this.#stores = stores;
  }

  async submit(graphName: string, rawInput: JsonObject, options: SubmitOptions): Promise<Submission> {
    checkOptions(options);
    const graph = await this.#graph(graphName);
    const { maxInputBytes } = this.#stores.config;
    const input = await withDocument(graph, asInput(rawInput), maxInputBytes);
    const json = JSON.stringify(input);
    const bytes = Buffer.byteLength(json);
    if (bytes > maxInputBytes) throw new InputTooLarge(bytes, maxInputBytes);
    this.#checker.check(graph, input);
    return this.#write(graph, { input, json }, options);
  }

  async #graph(name: string): Promise<GraphHead> {
    const known = this.#graphs.get(name);
    if (known !== undefined && known.until > performance.now()) return known.graph;
    const { tenant, singleInTenant } = this.#stores;
    const graph = await singleInTenant(({ em }) => new GraphRepository(em).newest(tenant, name));
    if (graph === null) {
      const published = await singleInTenant(({ em }) => new GraphRepository(em).listNewest(tenant));
      throw new GraphUnknown(
        name,
        published.map((head) => head.name),
      );
    }
    this.#graphs.set(name, { graph, until: performance.now() + GRAPH_MEMORY_MS });
    return graph;
  }

  async #write(
    graph: GraphHead,
    content: { input: JsonObject; json: string },
    options: SubmitOptions,
  ): Promise<Submission> {
    const task = this.#newTask(graph, content, options);
    if (await this.#insert(task, content.json)) return this.#submitted(task, options);
    const existing = await this.#stores.singleInTenant(({ em }) => new TaskRepository(em).findSubmitted(task));
    // A unit of work whose commit went unanswered runs again and meets its own row.
    if (existing === null || existing.id === task.id) return this.#submitted(task, options);
    if (existing.requestHash !== task.requestHash) throw new IdempotencyConflict(options.key ?? '', existing.id);
    return { id: existing.id, status: existing.status, duplicate: true };
  }

  async #insert(task: NewTask, json: string): Promise<boolean> {
    const { inTenant, singleInTenant } = this.#stores;
    if (this.#tenantKnown && task.input.artifactId === null) {
      return singleInTenant(({ em }) => new TaskRepository(em).insert(task));
    }
    const inserted = await inTenant(async ({ em }) => {
      const tasks = new TaskRepository(em);
      await tasks.ensureTenant(task.tenant);
      if (!(await tasks.insert(task))) return false;
      if (task.input.artifactId !== null) await insertInput(new ArtifactRepository(em), task, json);
      return true;
    });
    this.#tenantKnown = true;
    return inserted;
  }

  /**
   * Tells the queue. Only a hint that saves time: a failure is made good by the relay, which finds the outbox row.
   */
  async #submitted(task: NewTask, options: SubmitOptions): Promise<Submission> {
    const job = { taskId: task.id, band: options.priority ?? 'normal', createdAtMs: Date.now() };
    await this.#stores
      .queueFor(task.taskQueue)
      .enqueue([job])
      .catch(() => undefined);
    return { id: task.id, status: 'pending', duplicate: false };
  }

  #newTask(graph: GraphHead, content: { input: JsonObject; json: string }, options: SubmitOptions): NewTask {
    const { name } = content.input;
    const title = options.title ?? (graph.documentProperty !== null && typeof name === 'string' ? name : graph.name);
    const large = content.json.length > INLINE_LIMIT;
    return {
      id: uuid() as TaskId,
      tenant: this.#stores.tenant,
      graphId: graph.id,
      graphName: graph.name,
      taskQueue: graph.taskQueue,
      title: title.slice(0, MAX_TITLE_LENGTH),
      priority: priorityOfBand(options.priority ?? 'normal'),
      userId: options.user ?? null,
      idempotencyKey: options.key ?? null,
      requestHash: sha256(canonicalJson({ graph: graph.name, input: content.input })),
      input: large ? { json: null, artifactId: uuid() } : { json: content.json, artifactId: null },
      dueDate: null,
      metadata: {},
      actor: options.user ?? 'client',
    };
  }
}

async function insertInput(artifacts: ArtifactRepository, task: NewTask, json: string): Promise<void> {
  await artifacts.insert({
    id: task.input.artifactId ?? uuid(),
    tenant: task.tenant,
    taskId: task.id,
    name: 'input.json',
    mediaType: 'application/json',
    content: new TextEncoder().encode(json),
  });
}

function checkOptions(options: SubmitOptions): void {
  const { priority, title } = options;
  if (priority !== undefined && !PRIORITY_BANDS.includes(priority)) {
    throw new InputInvalid(`the priority "${priority}" is none of ${PRIORITY_BANDS.join(', ')}.`);
  }
  for (const name of ['user', 'key'] as const) {
    const value = options[name];
    if (value !== undefined && (value.length < 1 || value.length > MAX_NAME_LENGTH || value.includes('\u0000'))) {
      throw new InputInvalid(`the ${name} must have 1 to ${MAX_NAME_LENGTH} characters, none of them NUL.`);
    }
  }
  if (title?.includes('\u0000')) throw new InputInvalid('the title holds a NUL character. Remove it.');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
