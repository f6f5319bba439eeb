import { defineEntity, p } from '@mikro-orm/core';
import type { GrantId, TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import { keyOf, moment, plainTenantId } from '../columns.ts';
import { Task } from '../tasks/task.ts';
import { AgentTrace } from '../traces/agent-trace.ts';

const schema = defineEntity({
  name: 'GrantUse',
  tableName: 'grant_uses',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    grantId: p.uuid().$type<GrantId>().primary(),
    traceId: () => keyOf(AgentTrace, 'trace_id').$type<TraceId>().primary(),
    path: p.text().primary(),
    step: p.integer().primary(),
    index: p.integer().primary(),
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>(),
    usedAt: moment().defaultRaw('now()'),
  },
  indexes: [
    { name: 'grant_uses_trace_index', properties: ['traceId'] },
    { name: 'grant_uses_task_index', properties: ['tenantId', 'grantId', 'taskId'] },
    { name: 'grant_uses_hour_index', properties: ['tenantId', 'grantId', 'usedAt'] },
  ],
});

/** A call that a grant with limits let through, known by its place in the trace: a repetition counts once. */
export class GrantUse extends schema.class {}
schema.setClass(GrantUse);
