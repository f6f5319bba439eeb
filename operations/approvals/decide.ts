import pTimeout from 'p-timeout';
import { z } from 'zod';
import { isUuid } from '../../domain/ids.ts';
import { type Json, notJson, toJson } from '../../domain/json.ts';
import type { ApprovalDecision } from '../../domain/tools/approval-words.ts';
import { governedTool } from '../../domain/tools/governed-tool.ts';
import { inputFault } from '../../domain/tools/input-fault.ts';
import { runPart } from '../../entities/insert-from.ts';
import { outboxRowsFrom } from '../../entities/system/outbox-rows.ts';
import {
  type ApprovalRecord,
  ApprovalRepository,
  type LockedApproval,
} from '../../entities/tools/approval-repository.ts';
import { GrantRepository } from '../../entities/tools/grant-repository.ts';
import { oneOf, text } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { type CallInTenant, type CallInUnit, defineOperation } from '../define.ts';
import { AT_ONCE_MS } from '../tasks/ask-workflow.ts';
import { readAlone } from '../tasks/read.ts';
import { reason } from '../tasks/task-fields.ts';
import { ApprovalClosed, ApprovalRefused, ApprovalUnknown } from './approval-errors.ts';
import { callDigest } from './call-digest.ts';
import { judgeCall } from './judge-call.ts';

/** What a person says to a call that waits for them. */
export interface DecideInput {
  readonly id: string;
  readonly verdict: 'approve' | 'reject';
  /** Why; a rejection needs one, which the model reads. */
  readonly reason?: string;
  /** With what the call is to be made instead: any JSON. @defaultValue as the model asked */
  readonly arguments?: Json;
}

/**
 * The decision, the event of the trace and the outbox row that lets the task continue are one transaction: who dies
 * behind it has decided. A trace that cannot be written keeps nobody from deciding: its event is left out. Of two
 * decisions at once the first counts, and the second is told who made it.
 */
export const decideApproval = defineOperation({
  name: 'approvals.decide',
  summary: 'Approves or rejects what waits for a person: a call of a tool, or what a node asks.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'approvals:decide',
  by: 'person',
  unit: 'tenant',
  once: 'key',
  input: {
    id: text(),
    verdict: oneOf(['approve', 'reject']),
    reason: reason.optional(),
    arguments: z.unknown().optional() as z.ZodType<Json | undefined>,
  },
  contradiction: contradictionOf,
  async handle(call, input: DecideInput): Promise<ApprovalRecord> {
    const approvals = new ApprovalRepository(call.em);
    const approval = isUuid(input.id) ? await approvals.lock(call.caller.tenant, input.id) : null;
    if (approval === null) throw new ApprovalUnknown(input.id, call.caller.tenant);
    // The unit of work runs again where the answer to its commit was lost.
    if (approval.decision?.callId === call.id) return approval;
    requireOpen(approval);
    const decision = input.verdict === 'reject' ? rejection(call, input) : await consent(call, input, approval);
    const decided = await approvals.decide(approval, decision, actorOf(call.caller));
    await tellOthers(call, decided, approval.traceNumber);
    return decided;
  },
  audit: ({ id, state, taskId, agent, tool, digest, decision }) => {
    const { reason: why = null, digest: approvedDigest = null } = decision ?? {};
    const details = { taskId, agent, tool, digest, approvedDigest, reason: why };
    return { action: `approval.${state}`, subjectType: 'approval', subjectId: id, details };
  },
  // The outbox row carries it; telling at once only saves the relay's second.
  async after(call, { id, taskId }) {
    const task = await readAlone(call, taskId);
    await pTimeout(call.stores.workflows.approvalDecided(task, id), { milliseconds: AT_ONCE_MS, message: false });
  },
});

function contradictionOf({ verdict, reason: why, arguments: given }: DecideInput): string | null {
  if (verdict === 'reject' && why === undefined) return '`reason` must say why it is rejected: the model reads it';
  if (given === undefined) return null;
  if (verdict === 'reject') return '`arguments` go with an approval';
  const json = toJson(given);
  return json.ok ? null : `\`arguments\` must be JSON: ${notJson(json)}`;
}

/** @throws ApprovalClosed */
function requireOpen({ id, state, decidedBy, decidedAt, expiresAt, now, traceStatus }: LockedApproval): void {
  if (state !== 'waiting') {
    throw new ApprovalClosed(id, `was ${state} by ${decidedBy ?? 'a person'} at ${decidedAt?.toISOString() ?? '?'}`);
  }
  if (expiresAt <= now) throw new ApprovalClosed(id, `expired at ${expiresAt.toISOString()}`);
  if (traceStatus !== 'running') throw new ApprovalClosed(id, 'is of a task that has ended');
}

function rejection({ id: callId }: CallInUnit, { reason: why = '' }: DecideInput): ApprovalDecision {
  return { callId, reason: why };
}

/** @throws ApprovalRefused where the rules of this moment deny what would be approved */
async function consent(
  { em, id: callId }: CallInUnit,
  { reason: why, arguments: edited }: DecideInput,
  approval: LockedApproval,
): Promise<ApprovalDecision> {
  const { tenantId: tenant, taskId: task, path, step, index, agent, tool: name, request, policyVersion } = approval;
  const { risk, onBehalfOf, toolDigest = null, inputSchema } = request;
  const given = edited === undefined ? request.arguments : edited;
  const said = {
    ...(why === undefined ? {} : { reason: why }),
    ...(edited === undefined ? {} : { arguments: edited }),
  };
  // No rules are above what a node asks.
  if (name === null || risk === null) return { callId, digest: approval.digest, ...said };
  const fault = edited === undefined || inputSchema === undefined ? null : inputFault(inputSchema, edited);
  if (fault !== null) throw new ApprovalRefused(approval.id, `the arguments do not fit the tool (${fault}).`);
  const rules = await new GrantRepository(em).rulesOf(tenant, [agent, ...onBehalfOf], name);
  const tool = governedTool({ name, risk, digest: toolDigest });
  const judged = await judgeCall(em, { agent, onBehalfOf, tool, arguments: given, rules, place: approval });
  if (judged.verdict === 'denied') throw new ApprovalRefused(approval.id, judged.reason);
  const digest = callDigest({ agent, tool: name, arguments: given, policyVersion, tenant, task, path, step, index });
  return { callId, digest, ...said };
}

async function tellOthers(
  { em, recorder, caller }: CallInTenant,
  decided: ApprovalRecord,
  traceNumber: number,
): Promise<void> {
  const { id: approvalId, taskId, traceId, path: nodeId, step, index, tool, state: verdict, decision } = decided;
  const data = { step, index, tool, verdict, reason: decision?.reason ?? null, approvalId, by: actorOf(caller) };
  // What is said to a node is told by the end of its run.
  if (tool !== null) await recorder.eventHappened(traceId, [{ type: 'tool.decided', nodeId, data }]);
  const payload = { approvalId, traceNumber };
  await runPart(em, outboxRowsFrom(null, { tenant: caller.tenant, topic: 'approval.decided', taskId, payload }));
}
