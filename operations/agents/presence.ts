import { type ClockReading, readClock } from '../../database/database-clock.ts';
import { newId } from '../../database/new-id.ts';
import type { Database, DatabaseLog } from '../../database/transaction.ts';
import type { AgentBeat } from '../../domain/agents/agent-status.ts';
import type { HostingWorker } from '../../domain/agents/hosting.ts';
import type { HeldLease, LeaseEndReason } from '../../domain/agents/lease.ts';
import type { AgentId, LeaseId, TenantId } from '../../domain/ids.ts';
import { AgentRepository, type NewAgent } from '../../entities/agents/agent-repository.ts';
import { LeaseRepository } from '../../entities/agents/lease-repository.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';

export interface PresenceOptions {
  readonly database: Database;
  /** Whose agents they are. A tenant that is not known yet is made known. */
  readonly tenant: TenantId;
  /** Names this start of this program; never used again. */
  readonly process: string;
  readonly agents: readonly Omit<NewAgent, 'id'>[];
  /** Ed25519, as SPKI in base64: what the process signs with under its lease. */
  readonly publicKey: string;
  /** What a worker hosts, so that others can say what tasks wait for. */
  readonly hosting?: Omit<HostingWorker, 'silentSeconds'>;
  readonly log: DatabaseLog;
}

/**
 * A process's right to send for its agents, and the sign in PostgreSQL that they are alive: a lease, and one statement
 * that beats for all of them. Modes: *closed* before `open` and after `close`, *present* in between. Silence reveals a
 * dead process. A process that was declared dead and returns learns it from its next beat, and continues under a new
 * lease with a new fence.
 */
export class AgentPresence {
  readonly #options: PresenceOptions;
  #lease: HeldLease | null = null;
  #clock: ClockReading | null = null;
  #ids: ReadonlyMap<string, AgentId> = new Map();
  /** What the last beat that was taken said. */
  #working: ReadonlySet<AgentId> = new Set();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** The lease under which the process acts now; another one after it was taken for dead. Null unless *present*. */
  get lease(): HeldLease | null {
    return this.#lease;
  }

  /** The database's clock at the last beat that was taken; null before the first. */
  get clock(): ClockReading | null {
    return this.#clock;
  }

  /** The ids of the agents, by name; empty before `open`. */
  get ids(): ReadonlyMap<string, AgentId> {
    return this.#ids;
  }

  /** Registers the agents as `starting` and takes a lease, in one transaction. The first beat makes them `active`. */
  async open(): Promise<void> {
    const { database, tenant, agents } = this.#options;
    const named = agents.map((agent) => ({ ...agent, id: newId<AgentId>() }));
    const leaseId = newId<LeaseId>();
    const opened = await database.inTenant(tenant, async ({ em }) => {
      await new TaskRepository(em).ensureTenant(tenant);
      const ids = await new AgentRepository(em).register(tenant, named);
      return { ids, lease: await new LeaseRepository(em).open(this.#newLease(leaseId, [...ids.values()])) };
    });
    this.#ids = opened.ids;
    this.#lease = opened.lease;
  }

  /**
   * Beats for all agents, saying which of them work at this moment.
   * @returns whether it was under the old lease; false when that had ended and a new one had to be taken
   */
  async beat(isWorking: (id: AgentId) => boolean = () => false): Promise<boolean> {
    const { database, tenant, process, log } = this.#options;
    const working = new Set([...this.#ids.values()].filter(isWorking));
    const renewed = await this.#beatUnder(this.#lease, working);
    if (!renewed) {
      const id = newId<LeaseId>();
      const ended = this.#lease;
      this.#lease = await database.single.inTenant(tenant, ({ em }) =>
        new LeaseRepository(em).open(this.#newLease(id, [...this.#ids.values()])),
      );
      log.warn(
        { process, endedFence: ended?.fence ?? null, fence: this.#lease.fence },
        'this process had been declared dead; it continues under a new lease',
      );
      await this.#beatUnder(this.#lease, working);
    }
    this.#working = working;
    return renewed;
  }

  /**
   * Says goodbye, so that others need not wait for its silence. An agent that another process also hosts continues.
   * @returns the agents that no process hosts any more
   */
  async close(reason: Exclude<LeaseEndReason, 'silent'> = 'stopped'): Promise<readonly AgentId[]> {
    const lease = this.#lease;
    if (lease === null) return [];
    const { database, tenant, process } = this.#options;
    const gone = await database.inTenant(tenant, async ({ em }) => {
      await new LeaseRepository(em).close(lease.id, reason);
      const event = reason === 'stopped' ? 'left' : 'failed';
      return new AgentRepository(em).leave(process, [...this.#ids.values()], event);
    });
    this.#lease = null;
    return gone;
  }

  async #beatUnder(lease: HeldLease | null, working: ReadonlySet<AgentId>): Promise<boolean> {
    if (lease === null) return false;
    const agents = [...this.#ids.values()].sort().map((id) => ({ id, beat: this.#beatOf(id, working) }));
    const now = await this.#options.database.single.inTenant(this.#options.tenant, ({ em }) =>
      new AgentRepository(em).beat({ leaseId: lease.id, agents }),
    );
    if (now !== null) this.#clock = readClock(now);
    return now !== null;
  }

  #beatOf(id: AgentId, working: ReadonlySet<AgentId>): AgentBeat {
    if (working.has(id)) return 'working';
    return this.#working.has(id) ? 'rested' : 'present';
  }

  #newLease(id: LeaseId, agentIds: readonly AgentId[]) {
    const { tenant, process, publicKey, hosting } = this.#options;
    return { id, tenant, process, agentIds, publicKey, ...(hosting === undefined ? {} : { hosting }) };
  }
}
