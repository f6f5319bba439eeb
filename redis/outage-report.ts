import type { Cluster, Redis } from 'ioredis';
import { errorMessage } from '../domain/errors.ts';

/** Where reports of outages go; a pino logger fits. */
export interface RedisLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface OutageFacts {
  /** Hosts and ports, without credentials. */
  readonly address: string;
  readonly connection: 'commands' | 'subscriptions';
  readonly log: RedisLog;
}

const CLOSED = 'the connection was closed';
/** A refusal that continues is reported again after this time. */
const REFUSAL_AGAIN_MS = 60_000;

/** Reports the beginning and the end of each outage, not every failed attempt between; and each kind of refusal. */
export class OutageReport {
  readonly #facts: OutageFacts;
  readonly #refusals = new Map<string, number>();
  #isUnavailable = false;
  #reason = CLOSED;

  constructor(facts: OutageFacts) {
    this.#facts = facts;
  }

  /** Why the connection is down, or why the last node of a cluster was lost. */
  get reason(): string {
    return this.#reason;
  }

  watch(connection: Redis | Cluster): void {
    const { log, ...named } = this.#facts;
    const events: NodeJS.EventEmitter = connection;
    const failed = (error: unknown) => {
      this.#reason = errorMessage(nodeError(error));
    };
    events.on('error', failed);
    events.on('node error', failed);
    events.on('reconnecting', () => {
      if (!this.#isUnavailable)
        log.warn({ ...named, reason: this.#reason }, 'Redis does not answer; reconnecting until it does');
      this.#isUnavailable = true;
    });
    events.on('ready', () => {
      if (this.#isUnavailable) log.info(named, 'Redis answers again');
      this.#isUnavailable = false;
      this.#reason = CLOSED;
    });
  }

  /** Reports a refused command, each kind once a minute. */
  refusal(reply: string): void {
    const { log, ...named } = this.#facts;
    const kind = reply.split(' ', 1)[0] ?? '';
    if (performance.now() - (this.#refusals.get(kind) ?? Number.NEGATIVE_INFINITY) < REFUSAL_AGAIN_MS) return;
    this.#refusals.set(kind, performance.now());
    log.warn({ ...named, reply }, 'Redis refuses requests; work continues without it');
  }
}

/** The last error of a cluster's nodes, if none of them answers. */
function nodeError(error: unknown): unknown {
  return error instanceof Error && 'lastNodeError' in error ? error.lastNodeError : error;
}
