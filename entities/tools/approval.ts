import { defineEntity, p } from '@mikro-orm/core';
import type { ApprovalId, TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import { APPROVAL_STATES, type ApprovalDecision, type ApprovalRequest } from '../../domain/tools/approval-words.ts';
import { createdAt, keyOf, moment, plainTenantId } from '../columns.ts';
import { Task } from '../tasks/task.ts';
import { AgentTrace } from '../traces/agent-trace.ts';

const schema = defineEntity({
  name: 'Approval',
  tableName: 'approvals',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    id: p.uuid().$type<ApprovalId>().primary(),
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>(),
    traceId: () => keyOf(AgentTrace, 'trace_id').$type<TraceId>(),
    path: p.text(),
    step: p.integer(),
    index: p.integer(),
    agent: p.text(),
    /** Null where a node of the graph asks by itself. */
    tool: p.text().nullable(),
    request: p.json<ApprovalRequest>(),
    /** Of the call that was asked for. */
    digest: p.text(),
    policyVersion: p.integer(),
    state: p.enum(APPROVAL_STATES).default('waiting'),
    decision: p.json<ApprovalDecision>().nullable(),
    decidedBy: p.text().nullable(),
    decidedAt: moment().nullable(),
    /** From then on nobody decides any more, and what was approved and not called is refused. */
    expiresAt: moment(),
    createdAt: createdAt(),
  },
  uniques: [{ name: 'approvals_call_unique', properties: ['tenantId', 'traceId', 'path', 'step', 'index'] }],
  indexes: [
    { name: 'approvals_trace_index', properties: ['traceId'] },
    { name: 'approvals_task_index', properties: ['taskId'] },
    { name: 'approvals_waiting_index', properties: ['tenantId', 'createdAt'], where: "state = 'waiting'" },
  ],
  checks: [{ name: 'approvals_decided_check', expression: "(decided_at is null) = (state = 'waiting')" }],
});

/** What a person decides: on a call of a tool, or on what a node of a graph asks. */
export class Approval extends schema.class {}
schema.setClass(Approval);
