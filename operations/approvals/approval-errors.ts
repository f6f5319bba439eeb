import { MusterError } from '../../domain/errors.ts';

/** The tenant has no grant of this id that was not revoked. Nothing was changed. */
export class GrantUnknown extends MusterError {
  readonly code = 'grant_unknown';
  constructor(grantId: string, tenant: string) {
    super(`The tenant "${tenant}" has no grant ${grantId}. \`muster grants\` lists them.`, { grantId, tenant });
  }
}

/** The tenant has no approval of this id, or retention has removed its task. */
export class ApprovalUnknown extends MusterError {
  readonly code = 'approval_unknown';
  constructor(approvalId: string, tenant: string) {
    super(`The tenant "${tenant}" has no approval ${approvalId}. \`muster approvals\` lists those that wait.`, {
      approvalId,
      tenant,
    });
  }
}

/** The approval was decided before, has expired, or its task has ended. Nothing was changed. */
export class ApprovalClosed extends MusterError {
  readonly code = 'approval_closed';
  /** @param why completes "The approval …" */
  constructor(approvalId: string, why: string) {
    super(`The approval ${approvalId} ${why}. Nothing was changed.`, { approvalId });
  }
}

/** The call cannot be approved with these arguments: the rules of the tenant would deny it. Nothing was decided. */
export class ApprovalRefused extends MusterError {
  readonly code = 'approval_refused';
  constructor(approvalId: string, why: string) {
    super(`The approval ${approvalId} cannot be given: ${why} It still waits.`, { approvalId });
  }
}
