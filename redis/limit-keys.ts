import type { LimitScope } from '../domain/limits/limit-names.ts';

/** The parts that make a limit's key unique. */
export interface LimitSubject {
  readonly scope: LimitScope;
  readonly subject: readonly string[];
  readonly countsTokens: boolean;
  readonly algorithm: 'gcra' | 'sliding_log';
}

/**
 * The keys of the limits, cooldowns and slots of one tenant, or of the whole installation. All carry one hash tag, so that one
 * script may touch them together on a Redis Cluster.
 */
export class LimitKeys {
  /** The hash tag. Calls with the same tag may share a script call. */
  readonly tag: string;
  readonly #base: string;

  /** @param tenant null for the limits that all tenants share */
  constructor(prefix: string, tenant: string | null) {
    this.tag = tenant === null ? 'limits' : `limits:${encode(tenant)}`;
    this.#base = `${prefix}:{${this.tag}}`;
  }

  /**
   * What is counted for one subject: `rate_limit:<user>:<endpoint>` for an endpoint. The two algorithms store different
   * types, so a limit that changes its algorithm starts again under another key.
   */
  state({ scope, subject, countsTokens, algorithm }: LimitSubject): string {
    const parts = [scope === 'endpoint' ? 'rate_limit' : `limit:${scope}`, ...subject.map(encode)];
    if (countsTokens) parts.push('tokens');
    if (algorithm === 'sliding_log') parts.push('log');
    return `${this.#base}:${parts.join(':')}`;
  }

  /** Exists while a caller that exceeded a limit is blocked. */
  block(state: string): string {
    return `${state}:block`;
  }

  /** Exists from a reservation until some time after it was settled. */
  reservation(name: string): string {
    return `${this.#base}:reservation:${encode(name)}`;
  }

  /** Exists while a user has to wait before using a command again. */
  cooldown(user: string, command: string): string {
    return `${this.#base}:cooldown:${encode(user)}:${encode(command)}`;
  }

  /** Exists from the first use of an idempotency key on. */
  idempotency(key: string): string {
    return `${this.#base}:idem:${encode(key)}`;
  }

  /** The holders of a name's slots, the last fence, the waiters in line, and the deadlines of the waiters. */
  slots(name: string): SlotKeys {
    const holders = `${this.#base}:slots:${encode(name)}`;
    return { holders, fence: `${holders}:fence`, line: `${holders}:line`, until: `${holders}:until` };
  }
}

export interface SlotKeys {
  readonly holders: string;
  readonly fence: string;
  readonly line: string;
  readonly until: string;
}

/** With colons and braces two names could make the same key, or a key in another hash slot. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
