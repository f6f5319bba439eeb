import type { Client } from '@temporalio/client';
import { Dispatcher } from '../../dispatcher/dispatcher.ts';
import { IndexMender } from '../../dispatcher/mend-index.ts';
import { Reconciler } from '../../dispatcher/reconciler.ts';
import { SettingsCache } from '../../dispatcher/settings-cache.ts';
import { verdictOf } from '../../dispatcher/verdict.ts';
import type { TaskId } from '../../domain/ids.ts';
import { DEFAULT_QUEUE_SETTINGS, type QueueSettings } from '../../domain/queues/queue-settings.ts';
import { NO_FAILPOINTS, type ReachFailpoint } from '../../domain/system/failpoints.ts';
import type { LoopLog } from '../../domain/system/loop.ts';
import { SettingsRepository } from '../../entities/system/settings-repository.ts';
import type { ClaimedTask } from '../../entities/tasks/claimed-task.ts';
import { WaitingRepository } from '../../entities/tasks/waiting-repository.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { JobQueue } from '../../redis/job-queue.ts';
import { openRedis, type RedisConnections } from '../../redis/open-redis.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import { redisPrefix, sharedStack } from '../support/stack.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { ClaimBed, HANDLERS, TASK_QUEUE, type TaskTraits } from './claim-bed.ts';

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Gives up at once what is refused for good. */
const AT_ONCE = { of: async (error: unknown) => verdictOf(error), startTaken: () => undefined };

/** Who dispatches, and with what. */
export interface DispatcherTraits {
  readonly workerId?: string;
  readonly capacity?: number;
  readonly handlers?: readonly string[];
  readonly reach?: ReachFailpoint;
  readonly queue?: JobQueue;
  readonly log?: LoopLog;
}

/** Dispatchers over real stores whose tasks nobody carries out: a test ends them. Redis is behind a proxy. */
export class DispatchBed {
  readonly claims: ClaimBed;
  readonly proxy: TcpProxy;
  readonly redis: RedisConnections;
  readonly queue: JobQueue;
  /** What was started, first to last. */
  readonly started: ClaimedTask[] = [];
  readonly #dispatchers: Dispatcher[] = [];
  readonly #closers: (() => unknown)[] = [];

  private constructor(claims: ClaimBed, proxy: TcpProxy, redis: RedisConnections) {
    this.claims = claims;
    this.proxy = proxy;
    this.redis = redis;
    this.queue = new JobQueue(redis, { taskQueue: TASK_QUEUE });
  }

  /** @param options `redisUrl` replaces the run's Redis, and the proxy before it */
  static async open(title: string, options: { readonly redisUrl?: string } = {}): Promise<DispatchBed> {
    const url = new URL((await sharedStack()).redisUrl);
    const proxy = await startProxy({ targetPort: Number(url.port) });
    url.port = String(proxy.port);
    const prefix = redisPrefix(title).slice(-32).replace(/^-+/, '');
    const redis = await openRedis({
      url: options.redisUrl ?? url.toString(),
      ...{ prefix, commandTimeoutMs: 1_000, log: SILENT },
    });
    const bed = new DispatchBed(await ClaimBed.open(title, 10), proxy, redis);
    await bed.mender().look();
    return bed;
  }

  get ids(): TaskId[] {
    return this.started.map((task) => task.execution.taskId);
  }

  /** Inserts tasks and puts them into the queue. */
  async submit(traits: TaskTraits = {}, count = 1): Promise<TaskId[]> {
    const ids = await this.claims.insert(traits, count);
    const jobs = await this.claims.database.single.inSystem('relay', ({ em }) => new WaitingRepository(em).among(ids));
    await this.queue.enqueue(jobs);
    return ids;
  }

  dispatch(traits: DispatcherTraits = {}): Dispatcher {
    const { workerId = 'worker', capacity = 1_000, handlers = HANDLERS, reach = NO_FAILPOINTS } = traits;
    const { database } = this.claims;
    const dispatcher = new Dispatcher({
      database,
      graphs: new GraphCache(database),
      queue: traits.queue ?? this.queue,
      settings: new SettingsCache({ database, log: SILENT }),
      start: async (task) => {
        this.started.push(task);
      },
      startTogether: async (_, tasks) => void this.started.push(...tasks),
      verdicts: AT_ONCE,
      claimant: { workerId, taskQueue: TASK_QUEUE, handlers },
      capacity,
      reach,
      log: { ...SILENT, ...traits.log },
    });
    this.#closers.push(new WakeUps(this.redis, { taskQueue: TASK_QUEUE }).onJob(() => dispatcher.hint()));
    this.#dispatchers.push(dispatcher);
    dispatcher.start();
    return dispatcher;
  }

  /** What looks after the index, once a call. */
  mender(queue = this.queue, database = this.claims.database): IndexMender {
    const settings = new SettingsCache({ database, log: SILENT });
    return new IndexMender({ database, queue, taskQueue: TASK_QUEUE, settings, log: SILENT });
  }

  /** All that mends, forever. Closed with the rest. */
  reconcile({ client, log }: { readonly client: Client; readonly log?: LoopLog }): Reconciler {
    const { database } = this.claims;
    const reconciler = new Reconciler({
      database,
      graphs: new GraphCache(database),
      client,
      queue: this.queue,
      settings: new SettingsCache({ database, log: SILENT }),
      start: async (task) => {
        this.started.push(task);
      },
      verdicts: AT_ONCE,
      taskQueue: TASK_QUEUE,
      suspectAfterSeconds: 20,
      log: { ...SILENT, ...log },
    });
    this.#closers.push(() => reconciler.stop());
    reconciler.start();
    return reconciler;
  }

  /** Changes the settings as an operator does. */
  async configure(settings: Partial<QueueSettings>): Promise<void> {
    const next = { ...DEFAULT_QUEUE_SETTINGS, ...settings };
    await this.claims.database.inSystem('configure', ({ em }) =>
      new SettingsRepository(em).change('queue', () => ({
        limits: { ...next.limits },
        whileOccupying: [...next.whileOccupying],
        weights: { ...next.weights },
        paused: [...next.paused],
        ageingSeconds: next.ageingSeconds,
      })),
    );
  }

  /** Ends a task, and says so to those that dispatch. */
  async end(task: ClaimedTask): Promise<void> {
    await this.claims.end(task);
    for (const dispatcher of this.#dispatchers) dispatcher.taskEnded(task.execution.taskId);
  }

  /** Deletes what Redis holds of this bed, as a flush does. */
  async flush(): Promise<void> {
    const { all, comparer } = this.redis.keys.queue(TASK_QUEUE);
    await this.redis.ask((redis) => redis.del(...all, comparer));
  }

  async stopDispatchers(): Promise<void> {
    await Promise.all(this.#dispatchers.splice(0).map((dispatcher) => dispatcher.stop()));
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
    await this.stopDispatchers();
    await this.redis.close();
    await this.proxy.close();
    await this.claims.close();
  }
}
