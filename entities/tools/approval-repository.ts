import { LockMode, raw } from '@mikro-orm/core';
import type { ApprovalId, TaskId, TenantId } from '../../domain/ids.ts';
import type { ApprovalDecision } from '../../domain/tools/approval-words.ts';
import type { TraceStatus } from '../../domain/traces/trace-status.ts';
import { now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { AgentTrace } from '../traces/agent-trace.ts';
import { Approval } from './approval.ts';
import type { CallPlace } from './grant-repository.ts';

/** An approval before anybody has decided. */
export type NewApproval = CallPlace &
  Pick<Approval, 'id' | 'agent' | 'request' | 'digest' | 'policyVersion' | 'expiresAt'> & {
    /** Null where a node of the graph asks by itself. */
    readonly tool: string | null;
  };

/** An approval as it is shown. */
export interface ApprovalRecord extends NewApproval, Pick<Approval, 'state' | 'createdAt'> {
  readonly decision: ApprovalDecision | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
}

/** An approval whose row is locked, with what decides whether it can be decided. */
export interface LockedApproval extends ApprovalRecord {
  readonly traceNumber: number;
  readonly traceStatus: TraceStatus;
  /** The database's time, once the row was locked. */
  readonly now: Date;
}

const SHOWN = [
  ...(['tenantId', 'id', 'taskId', 'traceId', 'path', 'step', 'index', 'agent', 'tool', 'request'] as const),
  ...(['digest', 'policyVersion', 'state', 'decision', 'decidedBy', 'decidedAt', 'expiresAt', 'createdAt'] as const),
];

/** What people of a tenant decide: calls, and what nodes ask. */
export class ApprovalRepository extends Repository {
  /** The approval of a call; null where nobody was asked. */
  async ofCall({ tenantId, traceId, path, step, index }: Omit<CallPlace, 'taskId'>): Promise<ApprovalRecord | null> {
    return recordOf(await this.em.findOne(Approval, { tenantId, traceId, path, step, index }, { refresh: true }));
  }

  /** The same with its row locked, and the database's time by then. */
  async lockOfCall({ tenantId, traceId, path, step, index }: Omit<CallPlace, 'taskId'>) {
    const key = { tenantId, traceId, path, step, index };
    const locked = await this.em.findOne(Approval, key, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
    const record = recordOf(locked);
    return record === null ? null : { ...record, now: await this.clock() };
  }

  /** What was approved for the same node's question in an earlier trace of its task. By approvals_task_index. */
  async approvedBefore({ tenantId, taskId, path, digest }: Omit<CallPlace, 'step' | 'index'> & { digest: string }) {
    const key = { tenantId, taskId, path, digest, tool: null, state: 'approved' as const };
    return recordOf(await this.em.findOne(Approval, key, { orderBy: { createdAt: 'desc' } }));
  }

  /** Asks for one. Where the call has one already, it stays as it is. @returns whether it is new */
  async ask(approval: NewApproval): Promise<boolean> {
    const asked = await this.em
      .createQueryBuilder(Approval)
      .insert({ ...approval, state: 'waiting' })
      .onConflict(['tenantId', 'traceId', 'path', 'step', 'index'])
      .ignore()
      .execute('run', false);
    return asked.affectedRows === 1;
  }

  /** The approval under the lock of its row: of two who decide at once, the second reads what the first said. */
  async lock(tenantId: TenantId, id: string): Promise<LockedApproval | null> {
    const key = { tenantId, id: id as ApprovalId };
    const locked = await this.em.findOne(Approval, key, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
    const record = recordOf(locked);
    if (record === null) return null;
    const trace = await this.em.findOneOrFail(AgentTrace, record.traceId, { fields: ['number', 'status'] });
    return { ...record, traceNumber: trace.number, traceStatus: trace.status, now: await this.clock() };
  }

  /** Writes what was decided, of one that is locked and waiting. */
  async decide({ tenantId, id }: LockedApproval, decision: ApprovalDecision, by: string): Promise<ApprovalRecord> {
    const key = { tenantId, id };
    const state = decision.digest === undefined ? 'rejected' : 'approved';
    await this.em.nativeUpdate(Approval, key, { state, decision, decidedBy: by, decidedAt: raw('now()') });
    return plainRecord(await this.em.findOneOrFail(Approval, key, { refresh: true }));
  }

  /** The newest ones, at most `limit`: those that still can be decided, or all. */
  async list(
    { tenant, task, all }: { readonly tenant: TenantId; readonly task: TaskId | undefined; readonly all: boolean },
    limit: number,
  ): Promise<ApprovalRecord[]> {
    return tables(this.em)
      .selectFrom('approvals as a')
      .innerJoin('agent_traces as r', 'r.id', 'a.traceId')
      .select(SHOWN.map((name) => `a.${name}` as const))
      .where('a.tenantId', '=', tenant)
      .$if(task !== undefined, (query) => query.where('a.taskId', '=', task as TaskId))
      .$if(!all, (query) =>
        query.where('a.state', '=', 'waiting').where('a.expiresAt', '>', now()).where('r.status', '=', 'running'),
      )
      .orderBy('a.createdAt', 'desc')
      .orderBy('a.id', 'desc')
      .limit(limit)
      .execute();
  }
}

function recordOf(approval: Approval | null): ApprovalRecord | null {
  return approval === null ? null : plainRecord(approval);
}

function plainRecord(approval: Approval): ApprovalRecord {
  const { tenantId, id, taskId, traceId, path, step, index, agent, request, digest, policyVersion } = approval;
  const { tool = null, state, decision = null, decidedBy = null, decidedAt = null, expiresAt, createdAt } = approval;
  const call = { tenantId, id, taskId, traceId, path, step, index, agent, tool, request, digest, policyVersion };
  return { ...call, state, decision, decidedBy, decidedAt, expiresAt, createdAt };
}
