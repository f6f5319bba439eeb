import { Cluster, Redis } from 'ioredis';
import { errorMessage } from '../domain/errors.ts';
import { redisAddresses } from '../domain/system/redis-addresses.ts';
import type { OutageReport } from './outage-report.ts';
import { isRefusal } from './redis-errors.ts';
import { type connectionOptions, type RedisNodes, reconnectDelayMs, rotating } from './redis-nodes.ts';
import { readScripts, type ScriptedRedis } from './scripts.ts';

/** How long a changed set of nodes may stay unknown if no answer reveals it. */
const NODES_FRESH_MS = 2_000;
/** How many redirections of a moving slot are followed. */
const MAX_REDIRECTIONS = 5;
const TRY_AGAIN_MS = 20;

type Connection = Redis | Cluster;

export interface CommandConnectionOptions {
  readonly url: string;
  readonly nodes: RedisNodes;
  readonly report: OutageReport;
  readonly options: ReturnType<typeof connectionOptions>;
  /** How long a connection may leave a command unanswered, in milliseconds. */
  readonly socketTimeout: number;
}

/**
 * The connection for commands. It begins with one server. If that server turns out to be a node of a Redis Cluster, it
 * connects to all nodes of the cluster; if the address later leads to a single server, it returns to one connection.
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

  /** Whether commands can be sent now. */
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

  /** Resolves once the first attempt to connect has succeeded or failed and it is known whether there is a cluster. */
  async firstAttempt(): Promise<void> {
    if ((await ended(this.#connection)) !== 'ready') return;
    await this.#followCluster(this.#connection);
    if (this.#connection instanceof Cluster) await ended(this.#connection);
  }

  /** Looks at a refusal: a server that redirects commands is a node of a cluster. */
  refused(error: unknown): void {
    if (isRefusal(error, 'MOVED')) void this.#followCluster(this.#connection, { unlessDenied: true });
  }

  /** Replaces the connection. */
  reconnect(): void {
    this.#connection.disconnect(true);
  }

  /** Waits for pending answers. */
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

  /** @param options `unlessDenied`: a server that does not say is treated as a node of a cluster */
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
      // A command whose answer was lost is not sent again: only the caller knows whether that is safe.
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

  /** Leaves a cluster if none of its nodes answers as one and at least one says that it is a single server now. */
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
