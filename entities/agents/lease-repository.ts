import { raw } from '@mikro-orm/core';
import type { HeldLease, LeaseEndReason, NewLease } from '../../domain/agents/lease.ts';
import type { AgentId, LeaseId, TenantId } from '../../domain/ids.ts';
import { EXECUTION_RULES } from '../../domain/tasks/execution.ts';
import { ago, now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { secondsSince } from './agent-expressions.ts';
import { AgentLease } from './agent-lease.ts';

/** A lease that was taken from a process that fell silent. */
export interface ExpiredLease {
  readonly id: LeaseId;
  readonly tenant: TenantId;
  readonly process: string;
  readonly agentIds: readonly AgentId[];
  readonly fence: number;
  /** Since its last renewal. */
  readonly silentSeconds: number;
}

/** The leases under which processes speak for their agents. Each method is one statement, judged by the database's clock. */
export class LeaseRepository extends Repository {
  /**
   * Grants a lease. The same id again answers the lease that was granted, with its fence.
   * @throws a foreign-key error when the tenant is not known yet
   */
  async open({ id, tenant, process, publicKey, agentIds, hosting }: NewLease): Promise<HeldLease> {
    const { fence } = await tables(this.em)
      .insertInto('agent_leases')
      .values((eb) => ({
        ...{ id, process, publicKey },
        tenantId: tenant,
        agentIds: [...agentIds],
        taskQueue: hosting?.taskQueue ?? null,
        handlers: [...(hosting?.handlers ?? [])],
        executionRules: hosting === undefined ? null : EXECUTION_RULES,
        fence: eb.fn<number>('nextval', [eb.val('muster.agent_lease_fence')]),
      }))
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((eb) => ({ renewedAt: eb.ref('agent_leases.renewedAt') })),
      )
      .returning('agent_leases.fence')
      .executeTakeFirstOrThrow();
    return { id, fence };
  }

  /** Ends a lease. @returns false when it had ended, whose reason stays */
  async close(id: LeaseId, endReason: LeaseEndReason): Promise<boolean> {
    const ended = await this.em.nativeUpdate(AgentLease, { id, endedAt: null }, { endedAt: raw('now()'), endReason });
    return ended === 1;
  }

  /**
   * Ends, as `silent`, the leases that were not renewed for so long. What another supervisor ends at the same moment is
   * ended once. Needs a system unit of work to see every tenant's.
   */
  async expire(olderThanSeconds: number): Promise<ExpiredLease[]> {
    const expired = await tables(this.em)
      .updateTable('agent_leases')
      .from((eb) =>
        eb
          .selectFrom('agent_leases as l')
          .select('l.id as silent')
          .where('l.endedAt', 'is', null)
          .where('l.renewedAt', '<', ago(olderThanSeconds))
          .orderBy('l.id')
          .forUpdate()
          .skipLocked()
          .as('over'),
      )
      .set({ endedAt: now(), endReason: 'silent' })
      .whereRef('agent_leases.id', '=', 'over.silent')
      .returning(['agent_leases.id', 'agent_leases.tenantId', 'agent_leases.process', 'agent_leases.agentIds'])
      .returning((eb) => ['agent_leases.fence', secondsSince(eb.ref('agent_leases.renewedAt')).as('silentSeconds')])
      .execute();
    return expired.map(({ tenantId, silentSeconds, ...lease }) => ({
      ...lease,
      tenant: tenantId,
      silentSeconds: Number(silentSeconds),
    }));
  }
}
