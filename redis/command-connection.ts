import { Cluster, Redis } from 'ioredis';
import { errorMessage } from '../domain/errors.ts';
import { redisAddresses } from '../domain/system/redis-addresses.ts';
import type { OutageReport } from './outage-report.ts';
import { isRefusal } from './redis-errors.ts';
import { type connectionOptions, type RedisNodes, reconnectDelayMs, rotating } from './redis-nodes.ts';
import { readScripts, type ScriptedRedis } from './scripts.ts';

/** How long the nodes of a cluster may stay unknown after they have changed, where no answer tells. */
const NODES_FRESH_MS = 2_000;
/** A slot that moves is followed so often. */
const MAX_REDIRECTIONS = 5;
const TRY_AGAIN_MS = 20;

type Connection = Redis | Cluster;

export interface CommandConnectionOptions {
  readonly url: string;
  readonly nodes: RedisNodes;
  readonly report: OutageReport;
  readonly options: ReturnType<typeof connectionOptions>;
  /** How long a connection may owe an answer, in milliseconds. */
  readonly socketTimeout: number;
}

/**
 * The connection for commands. It begins with one server. As soon as that shows to be a node of a Redis Cluster, it
 * becomes one to all nodes of the cluster, and again one to a single server if the address later leads to such a one.
 */
export class CommandConnection {
  readonly #given: CommandConnectionOptions;
  readonly #scripts = readScripts();
  #connection: Connection;
  #isClosed = false;

  constructor(given: CommandConnectionOptions) {
    this.#given = given;
    this.#connection = this.#openSingle();
  }

  /** Whether questions can be sent now. */
  get isReady(): boolean {
    return this.#connection.status === 'ready';
  }

  /** Why the connection is down, or why the last node was lost. */
  get reason(): string {
    return this.#given.report.reason;
  }

  get commands(): ScriptedRedis {
    return this.#connection as unknown as ScriptedRedis;
  }

  /** Resolves once the first attempt to connect has ended, well or badly, and whether there is a cluster is known. */
  async firstAttempt(): Promise<void> {
    if ((await ended(this.#connection)) !== 'ready') return;
    await this.#followCluster(this.#connection);
    if (this.#connection instanceof Cluster) await ended(this.#connection);
  }

  /** Looks at what was refused: a server that sends questions elsewhere is a node of a cluster. */
  refused(error: unknown): void {
    if (isRefusal(error, 'MOVED')) void this.#followCluster(this.#connection, { unlessDenied: true });
  }

  /** Starts afresh. */
  reconnect(): void {
    this.#connection.disconnect(true);
  }

  /** Waits for answers under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const connection = this.#connection;
    await connection.quit().catch(() => connection.disconnect());
  }

  #openSingle(): Redis {
    const redis = new Redis(redisAddresses(this.#given.url)[0], {
      ...this.#given.options,
      socketTimeout: this.#given.socketTimeout,
      scripts: this.#scripts,
    });
    redis.options.retryStrategy = rotating(redis, this.#given.nodes);
    redis.on('ready', () => void this.#followCluster(redis));
    this.#given.report.watch(redis);
    return redis;
  }

  /** @param options `unlessDenied`: a server that does not tell is taken for a node of a cluster */
  async #followCluster(connection: Connection, { unlessDenied = false } = {}): Promise<void> {
    if (connection !== this.#connection || !(connection instanceof Redis)) return;
    const info = await connection.info('cluster').catch(() => (unlessDenied ? 'cluster_enabled:1' : ''));
    if (/^cluster_enabled:1/m.test(info)) this.#openClusterInstead(connection);
  }

  #openClusterInstead(single: Redis): void {
    if (single !== this.#connection || this.#isClosed) return;
    const { username, password, tls } = single.options;
    const { nodes, options, socketTimeout } = this.#given;
    const credentials = { ...(username && { username }), ...(password && { password }), ...(tls && { tls }) };
    const cluster = new Cluster(nodes.all, {
      redisOptions: { ...options, socketTimeout, ...credentials },
      scripts: this.#scripts,
      clusterRetryStrategy: reconnectDelayMs,
      maxRedirections: MAX_REDIRECTIONS,
      retryDelayOnTryAgain: TRY_AGAIN_MS,
      // A question whose answer was lost is not asked again: only the caller knows whether it may be.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      slotsRefreshInterval: NODES_FRESH_MS,
    });
    cluster.on('+node', (node: Redis) => nodes.add(node.options));
    this.#leaveWhenGone(cluster);
    this.#given.report.watch(cluster);
    this.#connection = cluster;
    single.disconnect();
  }

  /** Leaves a cluster of which no node answers as such, and at least one says that it is a single server now. */
  #leaveWhenGone(cluster: Cluster): void {
    let isSingle = false;
    cluster.on('node error', (error: unknown) => {
      isSingle ||= /cluster support disabled/.test(errorMessage(error));
    });
    cluster.on('refresh', () => {
      isSingle = false;
    });
    cluster.on('error', () => {
      if (!isSingle || cluster !== this.#connection || this.#isClosed) return;
      this.#connection = this.#openSingle();
      cluster.disconnect();
    });
  }
}

function ended(connection: Connection): Promise<'ready' | 'close'> {
  return new Promise((resolve) => {
    if (connection.status === 'ready') resolve('ready');
    connection.once('ready', () => resolve('ready'));
    connection.once('close', () => resolve('close'));
  });
}
