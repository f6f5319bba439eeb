import { newId } from '../../database/new-id.ts';
import type { ApprovalNode } from '../../domain/graphs/definition.ts';
import { performerOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { ApprovalId } from '../../domain/ids.ts';
import { type ApprovalRecord, ApprovalRepository } from '../../entities/tools/approval-repository.ts';
import { digestOf } from '../../operations/digest-of.ts';
import { failedLook, inputOf, type Look, type LookSetting } from './look-setting.ts';

/** The place of a node's own question among those that its run may ask. */
const OF_NODE = { step: 0, index: 0 };

/**
 * Asks a person, and looks for the decision: under the lock of its row, so that it is decided or expired and never both. What
 * a person has approved in an earlier trace of the task holds for the same question again.
 */
export async function lookAtApproval(node: ApprovalNode, setting: LookSetting): Promise<Look> {
  const { unit, place } = setting;
  const approvals = new ApprovalRepository(unit.em);
  const known = await approvals.lockOfCall({ ...place, ...OF_NODE });
  if (known !== null) return standingOf(known, known.now);
  const input = await inputOf(node, setting);
  if (!input.ok) return input.look;
  const request = { arguments: input.value, risk: null, onBehalfOf: [], reason: node.asks };
  const digest = digestOf({ task: place.taskId, path: place.path, asks: node.asks, input: input.value });
  const before = await approvals.approvedBefore({ ...place, digest });
  if (before !== null) return approved(before);
  const now = await approvals.clock();
  const asked = {
    ...{ ...place, ...OF_NODE, id: newId<ApprovalId>(), agent: performerOf(node), tool: null, request, digest },
    ...{ policyVersion: 0, expiresAt: new Date(now.getTime() + node.expiresMs) },
  };
  await approvals.ask(asked);
  const { id, expiresAt } = asked;
  const begun = { kind: 'approval', asks: node.asks, approvalId: id, until: expiresAt.toISOString() };
  return { kind: 'waits', id, until: expiresAt, begun };
}

function standingOf(approval: ApprovalRecord, now: Date): Look {
  const { id, state, decidedBy, decision, expiresAt, request } = approval;
  if (state === 'approved') return approved(approval);
  if (state === 'rejected') {
    const why = decision?.reason ?? 'no reason was given';
    return failedLook('approval_rejected', `${decidedBy ?? 'A person'} rejected it (${request.reason}): ${why}`);
  }
  if (expiresAt > now) return { kind: 'waits', id, until: expiresAt, begun: null };
  return failedLook('approval_expired', `Nobody decided by ${expiresAt.toISOString()}: ${request.reason}`);
}

function approved({ id, request, decision, decidedBy }: ApprovalRecord): Look {
  const input = decision?.arguments === undefined ? request.arguments : decision.arguments;
  const output = { approved: true, input, by: decidedBy, reason: decision?.reason ?? null, approvalId: id };
  return { kind: 'ok', output, outcome: null };
}
