import { Redis, type RedisOptions } from 'ioredis';
import { errorMessage } from '../domain/errors.ts';
import { RedisUnreachable, saysUnreachable } from './errors.ts';
import { RedisKeys } from './keys.ts';
import { readScripts, type ScriptedRedis } from './scripts.ts';
import { Subscriber } from './subscriber.ts';

/** Where reports of outages go; a pino logger fits. */
export interface RedisLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface OpenRedisOptions {
  /** `redis://` or, with TLS, `rediss://`, with user, password and database number where needed. */
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
  /** Host and port, without credentials. */
  readonly address: string;
  readonly keys: RedisKeys;
  readonly subscriber: Subscriber;
  /**
   * Asks Redis one thing. Rejects with {@link RedisUnreachable} within the command timeout when Redis is away, refuses
   * for reasons of its own or does not answer; at once while the connection is known to be down. Never repeats.
   */
  ask<Answer>(question: (redis: ScriptedRedis) => Promise<Answer>): Promise<Answer>;
  /** Waits for answers under way, then closes both connections. Closing twice is closing once. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** A connection that has owed an answer for so many command timeouts is replaced, since TCP alone may take minutes. */
const TIMEOUTS_UNTIL_REPLACED = 4;

/**
 * Opens the connections of one process. Resolves once the first attempt to connect has ended, well or badly: an absent
 * Redis keeps no process from starting. Lost connections are made again for ever, with at most a second between tries.
 */
export async function openRedis(options: OpenRedisOptions): Promise<RedisConnections> {
  const { url, log, commandTimeoutMs = 250, heartbeatMs = 5_000 } = options;
  const address = addressOf(url);
  const commands = new Redis(url, {
    ...connectionOptions(commandTimeoutMs),
    socketTimeout: commandTimeoutMs * TIMEOUTS_UNTIL_REPLACED,
    scripts: readScripts(),
  }) as ScriptedRedis;
  const outageReason = watchOutages(commands, { address, connection: 'commands', log });
  const subscriptions = new Redis(url, {
    ...connectionOptions(heartbeatMs),
    autoResubscribe: false,
    lazyConnect: true,
  });
  watchOutages(subscriptions, { address, connection: 'subscriptions', log });
  const subscriber = new Subscriber(subscriptions, heartbeatMs);
  await firstAttempt(commands);

  const silence = new Silence(commandTimeoutMs * TIMEOUTS_UNTIL_REPLACED);
  const ask: RedisConnections['ask'] = async (question) => {
    try {
      const answer = await question(commands);
      silence.ends();
      return answer;
    } catch (error) {
      if (!saysUnreachable(error)) throw error;
      if (commands.status === 'ready' && silence.isTooLong()) commands.disconnect(true);
      const reason = commands.status === 'ready' ? errorMessage(error) : outageReason();
      throw new RedisUnreachable({ address, timeoutMs: commandTimeoutMs, reason }, error);
    }
  };
  const close = async (): Promise<void> => {
    subscriber.close();
    await commands.quit().catch(() => commands.disconnect());
  };
  return { address, keys: new RedisKeys(options.prefix), subscriber, ask, close };
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

/**
 * Commands fail at once while the connection is down and are never sent twice: only the caller knows whether a second
 * try is worth its time, and a lease that is sent twice takes jobs that nobody will work on.
 */
function connectionOptions(commandTimeout: number) {
  return {
    commandTimeout,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: reconnectDelayMs,
  } satisfies RedisOptions;
}

/** Between half and all of a delay that doubles up to a second, so that many processes do not come back at once. */
function reconnectDelayMs(attempt: number): number {
  return Math.min(1_000, 50 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}

const CLOSED = 'the connection was closed';

/**
 * Reports the beginning and the end of each outage, not every failed attempt between.
 * @returns a function that says why the connection is down
 */
function watchOutages(redis: Redis, facts: { address: string; connection: string; log: RedisLog }): () => string {
  const { log, ...named } = facts;
  let away = false;
  let reason = CLOSED;
  redis.on('error', (error: unknown) => {
    reason = errorMessage(error);
  });
  redis.on('reconnecting', () => {
    if (!away) log.warn({ ...named, reason }, 'Redis does not answer; trying until it does');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info(named, 'Redis answers again');
    away = false;
    reason = CLOSED;
  });
  return () => reason;
}

function firstAttempt(redis: Redis): Promise<void> {
  return new Promise((resolve) => {
    redis.once('ready', () => resolve());
    redis.once('close', () => resolve());
  });
}

function addressOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port || 6379}`;
}
