import { defineEntity, p } from '@mikro-orm/core';
import type { ArtifactId, TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { TOOL_CALL_STATES } from '../../domain/thinking/states.ts';
import { keyOf, moment, plainTenantId } from '../columns.ts';
import { Task } from '../tasks/task.ts';

/** What became of a tool call, as the model reads it. */
export interface StoredResult {
  readonly text: string;
  /** The whole result, where the text is cut. */
  readonly artifactId?: ArtifactId;
  /** Of a call that is or was in doubt: the effect of the ledger of which nobody knew whether it happened. */
  readonly effectKey?: string;
}

const schema = defineEntity({
  name: 'ToolCall',
  tableName: 'tool_calls',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    traceId: p.uuid().$type<TraceId>().primary(),
    path: p.text().primary(),
    step: p.integer().primary(),
    index: p.integer().primary(),
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>(),
    agent: p.text(),
    tool: p.text(),
    /** The model's name for the call. */
    callId: p.text(),
    arguments: p.json<Json>().nullable(),
    /** Of the tool and the arguments with which it is made, or asked for: calls of one digest are the same call. */
    digest: p.text(),
    state: p.enum(TOOL_CALL_STATES),
    /** How often it was begun. */
    attempts: p.integer().default(0),
    /** How often a worker that stopped left it. */
    handovers: p.integer().default(0),
    /** Whether it was allowed, and why; where a person approved it, with which arguments. */
    decision: p.json<JsonObject>().nullable(),
    approvalId: p.uuid().nullable(),
    result: p.json<StoredResult>().nullable(),
    /** The trace that made it, where this one has only taken it over; null for one of its own. */
    takenFrom: p.uuid().$type<TraceId>().nullable(),
    startedAt: moment().nullable(),
    finishedAt: moment().nullable(),
  },
  indexes: [
    { name: 'tool_calls_trace_index', properties: ['traceId'] },
    { name: 'tool_calls_task_index', properties: ['taskId'] },
    { name: 'tool_calls_doubt_index', properties: ['tenantId'], where: "state = 'in_doubt'" },
  ],
  checks: [{ name: 'tool_calls_step_check', expression: 'step > 0 and "index" >= 0' }],
});

/** One call of a tool that a model asked for. */
export class ToolCall extends schema.class {}
schema.setClass(ToolCall);
