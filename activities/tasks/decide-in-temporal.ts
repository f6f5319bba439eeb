import type { TenantId } from '../../domain/ids.ts';
import type { DecidedApproval } from '../../domain/tools/approval-words.ts';
import { decideApproval } from '../../operations/approvals/decide.ts';
import { callOperation } from '../../operations/call.ts';
import { serviceCaller } from '../../operations/caller.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failing } from '../failure.ts';

/** A decision that came as an update of a workflow. */
export interface TemporalDecision {
  readonly tenant: TenantId;
  /** Of the update: what is sent again under its id has decided already. */
  readonly key: string;
  /** As the operation reads it. It comes from outside. */
  readonly decision: unknown;
}

/** Decides on a call that waits for a person, for people who work in Temporal: its access is theirs to guard. */
export function decideInTemporal(
  { stores }: ActivityDependencies,
  { tenant, key, decision }: TemporalDecision,
): Promise<DecidedApproval> {
  return failing(async () => {
    const caller = serviceCaller(tenant, 'temporal');
    const { id, state, agent, tool } = await callOperation(decideApproval, { caller, stores, key }, decision ?? {});
    return { id, state, agent, tool };
  });
}
