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
   * addresses apart by commas, of which one that answers is enough. A Redis Cluster is recognized by any of its nodes.
   */
  url: string;
  /** Begins every key and channel. Without braces. */
  prefix: string;
  /**
   * How long a command may take. Too short, and a busy moment of this process reads as an outage; too long, and every
   * caller waits that long on a Redis that has stopped answering.
   * @defaultValue 250
   */
  commandTimeoutMs?: number;
  /**
   * How often the subscribing connection is asked for a sign of life, and how long that may take. A dead one is noticed
   * within twice this time.
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
   * Asks Redis one thing. Rejects with {@link RedisUnreachable} within the command timeout when Redis is unavailable, refuses
   * for whatever reason or does not answer; at once while the connection is known to be down. Never repeats, but for
   * what a node of a cluster sends to another node. All keys of one command must be under one hash tag.
   */
  ask<Answer>(question: (redis: ScriptedRedis) => Promise<Answer>): Promise<Answer>;
  /** Waits for answers under way, then closes both connections. Closing twice is closing once. */
  close(): Promise<void>;
}

/** A connection that has owed an answer for so many command timeouts is replaced, since TCP alone may take minutes. */
const TIMEOUTS_UNTIL_REPLACED = 4;

/**
 * Opens the connections of one process. Resolves once the first attempt to connect has ended, well or badly: an absent
 * Redis keeps no process from starting. Lost connections are made again forever, with at most a second between tries.
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

/** Any node of a cluster hands on what is published at another one. */
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
 * How long a connection that counts as ready has answered nothing in time. Bytes may still come: what came late, or was
 * meant for another question, is no answer, and the socket's own timeout does not see it.
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

  /** Notes that there was no answer in time. True once that has lasted; then it begins anew. */
  isTooLong(): boolean {
    this.#since ??= performance.now();
    if (performance.now() - this.#since < this.#limitMs) return false;
    this.#since = null;
    return true;
  }
}
