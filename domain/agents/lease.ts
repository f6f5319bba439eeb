import type { AgentId, LeaseId, TenantId } from '../ids.ts';
import type { HostingWorker } from './hosting.ts';

/**
 * Why a lease ended. `stopped`: its process said goodbye. `failed`: its process ended by a fault that it could still
 * report. `silent`: it was not renewed for {@link DEAD_AFTER_SECONDS}.
 */
export const LEASE_END_REASONS = ['stopped', 'failed', 'silent'] as const;
export type LeaseEndReason = (typeof LEASE_END_REASONS)[number];

/** The process that stands for whoever supervises, wherever that is. It hosts nothing; its lease says since when. */
export const SUPERVISION_PROCESS = 'supervision';

/** What a process asks for. */
export interface NewLease {
  /** Chosen by the caller, so that asking again after a lost answer finds the same lease. */
  readonly id: LeaseId;
  readonly tenant: TenantId;
  /** Unique to the process and its start: a name that is used again would take over what the dead one held. */
  readonly process: string;
  /** For whom the process may speak; may be empty. */
  readonly agentIds: readonly AgentId[];
  /** Ed25519, as SPKI in base64. */
  readonly publicKey: string;
  /** What a worker hosts; absent for every other process. */
  readonly hosting?: Omit<HostingWorker, 'silentSeconds'>;
}

/** A lease as it was granted: every guarded write of its holder carries the fence. */
export interface HeldLease {
  readonly id: LeaseId;
  /** Greater than that of every lease granted before. */
  readonly fence: number;
}
