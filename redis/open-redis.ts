import { Redis } from 'ioredis';
import { errorMessage } from '../domain/errors.ts';
import { redisAddresses } from '../domain/system/redis-addresses.ts';
import { CommandConnection } from './command-connection.ts';
import { RedisKeys } from './keys.ts';
import { OutageReport, type RedisLog } from './outage-report.ts';
import { isRefusal, RedisUnreachable } from './redis-errors.ts';
import { connectionOptions, RedisNodes, rotating } from './redis-nodes.ts';
import type { ScriptedRedis } from './scripts.ts';
import { Subscriber } from './subscriber.ts';

export type { RedisLog } from './outage-report.ts';

export interface OpenRedisOptions {
  /**
   * `redis://` or, with TLS, `rediss://`, with user, password and database number where needed; or several such
   * addresses separated by commas, of which one has to answer. A Redis Cluster is recognized by any of its nodes.
   */
  url: string;
  /** Begins every key and channel. Without braces. */
  prefix: string;
  /**
   * How long a command may take. If it is too short, a busy moment of this process counts as an outage; if it is too
   * long, every caller waits that long for a Redis that has stopped answering.
   * @defaultValue 250
   */
  commandTimeoutMs?: number;
  /**
   * How often the subscribing connection is pinged, and how long the answer may take. A dead one is noticed within
   * twice this time.
   * @defaultValue 5000
   */
  heartbeatMs?: number;
  log: RedisLog;
}

/** One process's connections to Redis: one for commands, one for subscriptions. */
export interface RedisConnections {
  /** Hosts and ports, without credentials. */
  readonly address: string;
  readonly keys: RedisKeys;
  readonly subscriber: Subscriber;
  /**
   * Sends Redis one command. Rejects with {@link RedisUnreachable} within the command timeout when Redis is
   * unavailable, refuses or does not answer; at once while the connection is known to be down. Never repeats a command,
   * except when a node of a cluster redirects it. All keys of one command must be under one hash tag.
   */
  ask<Answer>(question: (redis: ScriptedRedis) => Promise<Answer>): Promise<Answer>;
  /** Waits for pending answers, then closes both connections. Repeatable. */
  close(): Promise<void>;
}

/** A connection that has not answered for so many command timeouts is replaced, because TCP alone may take minutes. */
const TIMEOUTS_UNTIL_REPLACED = 4;

/**
 * Opens the connections of one process. Resolves once the first attempt to connect has succeeded or failed: a process
 * starts without Redis. Lost connections are reopened forever, with at most a second between attempts.
 */
export async function openRedis(options: OpenRedisOptions): Promise<RedisConnections> {
  const { url, log, commandTimeoutMs = 250, heartbeatMs = 5_000 } = options;
  const nodes = new RedisNodes(url);
  const { address } = nodes;
  const report = new OutageReport({ address, connection: 'commands', log });
  const commands = new CommandConnection({
    nodes,
    report,
    url,
    options: connectionOptions(commandTimeoutMs),
    socketTimeout: commandTimeoutMs * TIMEOUTS_UNTIL_REPLACED,
  });
  const subscriber = openSubscriber({ url, nodes, log, heartbeatMs });
  await commands.firstAttempt();

  const silence = new Silence(commandTimeoutMs * TIMEOUTS_UNTIL_REPLACED);
  const ask: RedisConnections['ask'] = async (question) => {
    try {
      if (!commands.isReady) throw new Error(commands.reason);
      const answer = await question(commands.commands);
      silence.ends();
      return answer;
    } catch (error) {
      const isRefused = isRefusal(error);
      if (isRefused) {
        report.refusal(errorMessage(error));
        commands.refused(error);
      } else if (commands.isReady && silence.isTooLong()) commands.reconnect();
      const reason = isRefused || commands.isReady ? errorMessage(error) : commands.reason;
      throw new RedisUnreachable({ address, timeoutMs: commandTimeoutMs, reason }, error);
    }
  };
  const close = async (): Promise<void> => {
    subscriber.close();
    await commands.close();
  };
  return { address, keys: new RedisKeys(options.prefix), subscriber, ask, close };
}

/** Any node of a cluster forwards what is published at another one. */
function openSubscriber(given: { url: string; nodes: RedisNodes; log: RedisLog; heartbeatMs: number }): Subscriber {
  const { url, nodes, log, heartbeatMs } = given;
  const redis = new Redis(redisAddresses(url)[0], {
    ...connectionOptions(heartbeatMs),
    autoResubscribe: false,
    lazyConnect: true,
  });
  redis.options.retryStrategy = rotating(redis, nodes);
  new OutageReport({ address: nodes.address, connection: 'subscriptions', log }).watch(redis);
  return new Subscriber(redis, heartbeatMs);
}

/**
 * How long a ready connection has not answered in time. Late bytes, or bytes for another command, do not count as an
 * answer, and the socket's own timeout does not notice this.
 */
class Silence {
  readonly #limitMs: number;
  #since: number | null = null;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  ends(): void {
    this.#since = null;
  }

  /** Notes a missing answer. True once the silence has lasted; then it starts again. */
  isTooLong(): boolean {
    this.#since ??= performance.now();
    if (performance.now() - this.#since < this.#limitMs) return false;
    this.#since = null;
    return true;
  }
}
