import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Client } from '@temporalio/client';
import pg from 'pg';
import { openClientStores } from '../../../client/open-stores.ts';
import { type Graph, Muster } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { History, type Outcome } from '../../support/history.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { type Sink, startSink } from '../../support/sink.ts';
import type { Stack } from '../../support/stack.ts';
import { WorkerProcess } from '../../support/worker-process.ts';

export const LARGE = process.env.MUSTER_FAULTS === 'large';
const GRAPHS = fileURLToPath(new URL('./graphs.ts', import.meta.url));

export interface WorldOptions {
  /** @defaultValue the run's shared stack */
  readonly stack?: Stack;
  /** More variables of the worker processes. */
  readonly workers?: Readonly<Record<string, string>>;
  /** Where the submitting client, and where the worker processes, find PostgreSQL: the port of a proxy. */
  readonly clientPort?: number;
  readonly workerPort?: number;
  /** The module whose `graphs` are published and hosted. @defaultValue those of the fault tests */
  readonly module?: string;
}

/** Each with what is known of where it is. */
const OPEN_TASKS = `
  select concat_ws(' ', t.idempotency_key, t.status, 'fence', t.fence, a.workflow_id,
    (select string_agg(r.node_id || ' ' || r.status || ' ' || coalesce(r.started_at::text, ''), ', ' order by r.started_at)
     from muster.agent_runs r where r.trace_id = a.id)) as state
  from muster.tasks t left join muster.agent_traces a on a.task_id = t.id
  where t.completed_at is null order by t.updated_at`;

/** A task and the run of its first node. */
export interface TaskFacts {
  readonly id: string;
  readonly status: string;
  readonly output: { readonly attempt: number; readonly pid: number } | null;
  readonly error: { readonly code: string } | null;
  readonly attempts: number;
  readonly crashes: number;
}

/** A Muster of a test's own with everything that a fault test needs around it: sink, workers, a caller that notes. */
export class World {
  static readonly #opened = new Set<World>();
  readonly muster: MusterUnderTest;
  readonly sink: Sink;
  readonly history = new History();
  /** Submits, and lets its pool of connections be looked at. */
  readonly client: Muster;
  readonly stores: Awaited<ReturnType<typeof openClientStores>>;
  readonly temporal: Client;
  readonly workers: WorkerProcess[] = [];
  readonly #module: string;
  readonly #more: Readonly<Record<string, string>>;
  readonly #sql: pg.Pool;
  #submitted = 0;
  #closed = false;

  private constructor(opened: {
    muster: MusterUnderTest;
    sink: Sink;
    stores: World['stores'];
    temporal: Client;
    module: string;
    more: Readonly<Record<string, string>>;
  }) {
    this.muster = opened.muster;
    this.sink = opened.sink;
    this.stores = opened.stores;
    this.client = new Muster(opened.stores);
    this.temporal = opened.temporal;
    this.#module = opened.module;
    this.#more = { MUSTER_FAULT_SINK: opened.sink.url, ...opened.more };
    this.#sql = new pg.Pool({ connectionString: superuserUrl(opened.muster), max: 2 });
    this.#sql.on('error', () => undefined);
  }

  static async open(title: string, options: WorldOptions = {}): Promise<World> {
    const sink = await startSink();
    const muster = await openMuster(title, options.stack === undefined ? {} : { stack: options.stack });
    const module = options.module ?? GRAPHS;
    const { graphs } = (await import(pathToFileURL(module).href)) as { graphs: readonly Graph[] };
    await muster.client.publish(graphs);
    const stores = await openClientStores({
      environment: { ...muster.environment, ...through(muster, options.clientPort) },
    });
    const world = new World({
      muster,
      sink,
      stores,
      temporal: await muster.temporal(),
      module,
      more: { ...through(muster, options.workerPort), ...options.workers },
    });
    World.#opened.add(world);
    return world;
  }

  /** Closes every world that is open, those of scenarios that failed half-way above all. */
  static async closeAll(): Promise<void> {
    await Promise.all([...World.#opened].map((world) => world.close()));
  }

  /** Starts a worker process. */
  async spawn(failpoints?: string, more: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
    const worker = await WorkerProcess.start({
      environment: this.muster.environment,
      module: this.#module,
      folder: this.muster.stack.folder,
      more: { ...this.#more, ...more },
      ...(failpoints === undefined ? {} : { failpoints }),
    });
    this.workers.push(worker);
    return worker;
  }

  /** Submits one task under a key of its own, which is its label too. */
  submit(
    graph: string,
    label = `${graph}-${this.#submitted}`,
    priority: 'high' | 'normal' = 'normal',
  ): Promise<Outcome> {
    this.#submitted += 1;
    return this.history.submit(label, () => this.client.submit(graph, { label }, { key: label, priority }));
  }

  async submitMany(graph: string, count: number): Promise<void> {
    const lanes = Array.from({ length: 8 }, async (_, lane) => {
      for (let index = lane; index < count; index += 8) await this.submit(graph);
    });
    await Promise.all(lanes);
  }

  /** Submits one task after another until told to stop. Answers how many it were. */
  keepSubmitting(graph: string, pauseMs: number): () => Promise<number> {
    let stopped = false;
    const loop = async (): Promise<number> => {
      for (let count = 0; ; count += 1) {
        if (stopped || this.#closed) return count;
        await this.submit(graph);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    const running = loop();
    return () => {
      stopped = true;
      return running;
    };
  }

  /** Asks PostgreSQL behind the product's back. */
  async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.#sql.query(text, [...values])).rows;
  }

  async count(where: string): Promise<number> {
    const [row] = await this.query<{ count: number }>(`select count(*)::int as count from muster.tasks where ${where}`);
    return row?.count ?? 0;
  }

  /** Submits again, under their keys, what was left without an answer. */
  async resolveUnknown(graph: string): Promise<number> {
    const keys = this.history.unresolved();
    for (const key of keys) await eventually(async () => (await this.submit(graph, key)).kind === 'ok');
    return keys.length;
  }

  /** The output and the error of the task that was submitted under a key. */
  async taskOf(key: string): Promise<TaskFacts> {
    const [row] = await this.query<TaskFacts>(
      `select t.id, t.status, t.output, t.error, r.attempts, r.crashes
       from muster.tasks t join muster.agent_traces a on a.task_id = t.id join muster.agent_runs r on r.trace_id = a.id
       where t.idempotency_key = $1 order by r.started_at limit 1`,
      [key],
    );
    if (row === undefined) throw new Error(`The task ${key} has not begun.`);
    return row;
  }

  /** Resolves when no task is open or waits. */
  async allEnded(withinMs: number): Promise<void> {
    await eventually(
      async () => {
        const open = await this.query<{ state: string }>(OPEN_TASKS);
        const [first] = open;
        if (first !== undefined) throw new Error(`${open.length} tasks have not ended, as ${first.state}`);
      },
      { withinMs, everyMs: 200, what: 'the end of all tasks' },
    );
  }

  async waitingAt(gate: string): Promise<void> {
    const look = async () => (await this.sink.record()).waiting.includes(gate);
    await eventually(look, { withinMs: 20_000, everyMs: 50, what: `a handler at the gate ${gate}` });
  }

  async close(): Promise<void> {
    World.#opened.delete(this);
    this.#closed = true;
    await Promise.all(this.workers.map((worker) => worker.close()));
    await this.client.close();
    await this.#sql.end();
    await this.muster.close();
    await this.sink.close();
  }
}

function superuserUrl(muster: MusterUnderTest): string {
  const url = new URL(muster.stack.superuserUrl);
  url.pathname = new URL(muster.databaseUrl).pathname;
  return url.toString();
}

function through(muster: MusterUnderTest, port: number | undefined): Record<string, string> {
  if (port === undefined) return {};
  const url = new URL(muster.databaseUrl);
  url.port = String(port);
  return { MUSTER_DATABASE_URL: url.toString() };
}

/** Prints one line of measurements below the test's title. */
export function report(text: string): void {
  process.stdout.write(`      ${text}\n`);
}
