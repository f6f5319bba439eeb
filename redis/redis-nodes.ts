import type { Redis, RedisOptions } from 'ioredis';
import { redisAddresses } from '../domain/system/redis-addresses.ts';
import { growingWaitMs, halfToAll } from '../domain/waits.ts';

/** Where a server listens. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 6_379;
const CONNECT_TIMEOUT_MS = 2_000;

/** The servers that a process knows: those of its configuration and the nodes of their cluster. */
export class RedisNodes {
  /** Grows, and is read at each new attempt to connect. */
  readonly all: RedisNode[];

  constructor(url: string) {
    this.all = redisAddresses(url).map((address) => {
      const { hostname, port } = new URL(address);
      return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || DEFAULT_PORT) };
    });
  }

  /** For people, without credentials. */
  get address(): string {
    return this.all.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  }

  /** Adds a server that a cluster named. */
  add({ host, port }: { host?: string | undefined; port?: number | undefined }): void {
    if (host === undefined || port === undefined) return;
    if (!this.all.some((node) => node.host === host && node.port === port)) this.all.push({ host, port });
  }
}

/** Makes a lost connection try one server after the other. */
export function rotating(redis: Redis, nodes: RedisNodes): (attempt: number) => number {
  let place = 0;
  return (attempt) => {
    place += 1;
    Object.assign(redis.options, nodes.all[place % nodes.all.length]);
    return reconnectDelayMs(attempt);
  };
}

/** A random half to whole of a wait that doubles up to a second, so that many processes do not reconnect at once. */
export function reconnectDelayMs(attempt: number): number {
  return halfToAll(growingWaitMs({ firstMs: 100, mostMs: 1_000 }, attempt), Math.random());
}

/**
 * Commands fail at once while the connection is down and are never sent twice: only the caller knows whether a retry is
 * worth its time, and a lease that is sent twice takes jobs that no dispatcher will start.
 */
export function connectionOptions(commandTimeout: number) {
  return {
    commandTimeout,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  } satisfies RedisOptions;
}
