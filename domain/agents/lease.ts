import type { AgentId, LeaseId, TenantId } from '../ids.ts';
import type { HostingWorker } from './hosting.ts';

/**
 * Why a lease ended. `stopped`: its process said goodbye. `failed`: its process ended with a fault that it could still
 * report. `silent`: it was not renewed for {@link DEAD_AFTER_SECONDS}.
 */
const LEASE_END_REASONS = ['stopped', 'failed', 'silent'] as const;
export type LeaseEndReason = (typeof LEASE_END_REASONS)[number];

/**
 * The name under which the supervising process has a lease, in whichever worker it runs. It hosts nothing; its lease
 * records since when agents have been watched.
 */
export const SUPERVISION_PROCESS = 'supervision';

/** A request for a lease. */
export interface NewLease {
  /** Chosen by the caller, so that a retry after a lost answer finds the same lease. */
  readonly id: LeaseId;
  readonly tenant: TenantId;
  /** Unique to the process and its start: a reused name would take over the lease of the dead process. */
  readonly process: string;
  /** The agents for which the process may send; may be empty. */
  readonly agentIds: readonly AgentId[];
  /** Ed25519, as SPKI in base64. */
  readonly publicKey: string;
  /** The handlers of a worker; absent for every other process. */
  readonly hosting?: Omit<HostingWorker, 'silentSeconds'>;
}

/** A lease as it was granted: every guarded write of its holder carries the fence. */
export interface HeldLease {
  readonly id: LeaseId;
  /** Greater than that of every lease granted before. */
  readonly fence: number;
}
