import { defineEntity, p } from '@mikro-orm/core';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import { createdAt, keyOf, plainTenantId } from '../columns.ts';
import { Task } from './task.ts';

const schema = defineEntity({
  name: 'TaskFork',
  tableName: 'task_forks',
  properties: {
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>().primary(),
    tenantId: plainTenantId().$type<TenantId>(),
    /** The task and the trace that it continues, which retention may have removed. */
    originTaskId: p.uuid().$type<TaskId>(),
    originTraceId: p.uuid().$type<TraceId>(),
    originNumber: p.integer().check('origin_number > 0'),
    /** The run from which on everything runs again, and in a thinking run the first step that does. */
    atPath: p.text(),
    atStep: p.integer().nullable().check('at_step > 0'),
    /** The trace that its next claim opens: what it has taken over is there already. After the claim, its trace. */
    nextTraceId: p.uuid().$type<TraceId>(),
    /** How many runs it has taken over, one in half too. Fewer under its trace: retention has removed some. */
    takenCount: p.integer().default(0),
    /** How many events what it has taken over has there. */
    eventCount: p.integer().default(0),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'task_forks_origin_index', properties: ['tenantId', 'originTaskId'] }],
});

/** A task that continues a trace of another one. */
export class TaskFork extends schema.class {}
schema.setClass(TaskFork);
