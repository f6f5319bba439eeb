import { defineEntity, p } from '@mikro-orm/core';
import type { GraphId, TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { TRACE_STATUSES } from '../../domain/traces/trace-status.ts';
import { createdAt, keyOf, moment, plainTenantId } from '../columns.ts';
import { AgentGraph } from '../graphs/agent-graph.ts';
import { Task } from '../tasks/task.ts';

const schema = defineEntity({
  name: 'AgentTrace',
  tableName: 'agent_traces',
  properties: {
    id: p.uuid().$type<TraceId>().primary(),
    tenantId: plainTenantId().$type<TenantId>(),
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>(),
    /** 1 for the first trace of the task; a redrive opens the next. */
    number: p.integer().check('number > 0'),
    graphId: () => keyOf(AgentGraph, 'graph_id').$type<GraphId>(),
    /** The version that it moves to once its workflow has come to rest; null for most. */
    nextGraphId: p.uuid().$type<GraphId>().nullable(),
    /** The trace before it, when this one came from a redrive; or the trace of another task that this one continues. */
    originTraceId: p.uuid().$type<TraceId>().nullable(),
    workflowId: p.text(),
    /** The shared execution that carries it, by the id of its workflow; null for one that has, or had last, its own. */
    carriedBy: p.text().nullable(),
    runId: p.text().nullable(),
    status: p.enum(TRACE_STATUSES).default('running'),
    channelId: p.text().nullable(),
    userId: p.text().nullable(),
    routeKind: p.text().nullable(),
    routerJson: p.json<Json>().nullable(),
    expertsJson: p.json<Json>().nullable(),
    agentGraphJson: p.json<Json>().nullable(),
    budgetJson: p.json<Json>().nullable(),
    tokenJson: p.json<Json>().nullable(),
    toolJson: p.json<Json>().nullable(),
    qualityJson: p.json<Json>().nullable(),
    reasoningText: p.text().nullable(),
    replyText: p.text().default(''),
    error: p.json<JsonObject>().nullable(),
    /** The number that the trace's next event gets. */
    nextSeq: p.integer().default(1),
    /** How often a stretch of quick nodes was begun since one was last written. */
    stretchTries: p.integer().default(0),
    createdAt: createdAt(),
    finishedAt: moment().nullable(),
  },
  uniques: [{ name: 'agent_traces_task_number_unique', properties: ['taskId', 'number'] }],
  indexes: [
    { name: 'agent_traces_tenant_index', properties: ['tenantId', 'createdAt'] },
    { name: 'agent_traces_user_index', properties: ['tenantId', 'userId', 'createdAt'], where: 'user_id is not null' },
    { name: 'agent_traces_open_index', properties: ['taskId'], where: "status = 'running'" },
    { name: 'agent_traces_ended_index', properties: ['finishedAt'], where: 'finished_at is not null' },
  ],
  checks: [{ name: 'agent_traces_finished_check', expression: "(finished_at is null) = (status = 'running')" }],
});

/** One execution of a graph for a task. */
export class AgentTrace extends schema.class {}
schema.setClass(AgentTrace);
