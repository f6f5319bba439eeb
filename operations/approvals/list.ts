import { type ApprovalRecord, ApprovalRepository } from '../../entities/tools/approval-repository.ts';
import { text, wholeNumber, yesOrNo } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { taskIdOf } from '../tasks/task-fields.ts';

/** Which approvals to list: 50 of them unless `limit` says otherwise. */
export interface ApprovalListOptions {
  /** Only of this task. */
  readonly task?: string;
  /** Those too that were decided, have expired, or are of tasks that have ended. @defaultValue false */
  readonly all?: boolean;
  readonly limit?: number;
}

export const listApprovals = defineOperation({
  name: 'approvals.list',
  summary: 'Lists what waits for a person, calls of tools and what nodes ask, the newest first.',
  effect: 'read',
  risk: 'data_exfiltration_risk',
  permission: 'approvals:read',
  unit: 'tenant',
  input: { task: text().optional(), all: yesOrNo.optional(), limit: wholeNumber({ min: 1, max: 500 }).optional() },
  handle({ em, caller }, { task, all = false, limit = 50 }: ApprovalListOptions): Promise<readonly ApprovalRecord[]> {
    const of = task === undefined ? undefined : taskIdOf(caller.tenant, task);
    return new ApprovalRepository(em).list({ tenant: caller.tenant, task: of, all }, limit);
  },
});
