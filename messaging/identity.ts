import { type ClockReading, databaseTime, isClockBroken, readClock } from '../database/database-clock.ts';
import type { Database } from '../database/transaction.ts';
import type { AgentId, LeaseId, TenantId } from '../domain/ids.ts';
import type { Envelope, SignedEnvelope } from '../domain/messaging/envelope.ts';
import { formatMoment } from '../domain/messaging/signing-text.ts';
import { MessageRepository } from '../entities/messaging/message-repository.ts';
import { LeaseLost } from './messaging-errors.ts';
import type { SigningKey } from './signatures.ts';

/** Who holds the lease of the process, and renews it. */
export interface LeaseHolder {
  /** The present one; another one after the process was taken for dead. Null for none. */
  readonly lease: { readonly id: LeaseId } | null;
  /** The database's clock when the lease was last renewed; null where it was not yet. */
  readonly clock: ClockReading | null;
}

export interface IdentityOptions {
  /** Unique to the process and its start. */
  readonly process: string;
  readonly key: SigningKey;
  readonly holder: LeaseHolder;
  readonly database: Database;
  /** Whose lease it is. */
  readonly tenant: TenantId;
  /** Takes a new lease where the last one was lost. @defaultValue waits until the holder does */
  readonly renew?: () => Promise<unknown>;
}

/** The clock and the counter of one lease. */
interface Held {
  readonly id: LeaseId;
  /** The database's clock when this process learnt of the lease. */
  readonly clock: ClockReading;
  seq: number;
}

/**
 * Who a process is when it sends: its key, its lease, the number of the next message and the time.
 *
 * States: *nobody* until `ready` has found a lease, and after it was lost; *somebody* while one is held. A new lease
 * counts anew. Time is the database's, read when the lease was found and with every beat, and carried on by this
 * process's monotonic clock: a wrong clock of a host neither reorders messages nor lets them look older than their lease.
 * That clock stands still while the machine sleeps; `ready` notices, and reads the database's anew.
 */
export class SenderIdentity {
  readonly #options: IdentityOptions;
  #held: Held | null = null;
  #lost: LeaseId | null = null;
  #readying: Promise<void> | null = null;
  #lastMicroseconds = 0;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  get process(): string {
    return this.#options.process;
  }

  /** Null while none is held. */
  get leaseId(): LeaseId | null {
    return this.#held?.id ?? null;
  }

  /** The lease that is held. @throws LeaseLost */
  get heldLease(): LeaseId {
    return this.#present().id;
  }

  /** Has to be awaited before anything is signed; asks the database only for a new lease. @throws LeaseLost */
  async ready(): Promise<void> {
    const held = this.#held;
    if (held !== null && held.id === this.#options.holder.lease?.id && !isClockBroken(this.#clockOf(held))) return;
    this.#readying ??= this.#take().finally(() => {
      this.#readying = null;
    });
    await this.#readying;
  }

  /** Forgets a lease that has ended. @returns the error to throw for it */
  lose(id: LeaseId): LeaseLost {
    this.#lost = id;
    if (this.#held?.id === id) this.#held = null;
    return new LeaseLost(this.process);
  }

  /** Now, by the database's clock, in microseconds. @throws LeaseLost */
  now(): number {
    return databaseTime(this.#clockOf(this.#present()));
  }

  /** Gives a message its lease, number and time, and signs it. @throws LeaseLost */
  sign(message: Omit<Envelope, 'leaseId' | 'seq' | 'timestamp'>): SignedEnvelope {
    const held = this.#present();
    held.seq += 1;
    this.#lastMicroseconds = Math.max(this.now(), this.#lastMicroseconds + 1);
    const timestamp = formatMoment(this.#lastMicroseconds);
    return this.#options.key.sign({ ...message, leaseId: held.id, seq: held.seq, timestamp });
  }

  async #take(): Promise<void> {
    const { holder, renew, database, tenant } = this.#options;
    if (renew !== undefined && (holder.lease === null || holder.lease.id === this.#lost)) await renew();
    const id = holder.lease?.id ?? null;
    if (id === null || id === this.#lost) throw new LeaseLost(this.process);
    const now = await database.single.inTenant(tenant, ({ em }) => new MessageRepository(em).nowUnder(id));
    if (now === null) throw new LeaseLost(this.process);
    const seq = this.#held?.id === id ? this.#held.seq : 0;
    this.#held = { id, clock: readClock(now), seq };
  }

  /** The later one of the two readings. */
  #clockOf({ clock }: Held): ClockReading {
    const renewed = this.#options.holder.clock;
    return renewed !== null && renewed.microseconds > clock.microseconds ? renewed : clock;
  }

  #present(): Held {
    if (this.#held === null) throw new LeaseLost(this.process);
    return this.#held;
  }
}

/** Where the answers to what it sends are announced: its agent, or its lease where it is no agent. */
export function answersTo(message: Pick<Envelope, 'from' | 'leaseId'>): AgentId | LeaseId {
  return message.from ?? message.leaseId;
}
