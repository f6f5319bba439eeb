import { defineEntity, p } from '@mikro-orm/core';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { EFFECT_STATES } from '../../domain/system/outbox.ts';
import { createdAt, keyOf, moment, plainTenantId } from '../columns.ts';
import { Task } from '../tasks/task.ts';

const schema = defineEntity({
  name: 'ActivityEffect',
  tableName: 'activity_effects',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    effectKey: p.text().primary(),
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>(),
    state: p.enum(EFFECT_STATES),
    /** Hash of what was asked for: the same key with another request is a conflict. */
    requestHash: p.text(),
    result: p.json<Json>().nullable(),
    /** Why the result of an effect that happened could not be recorded; its result is null then. */
    fault: p.text().nullable(),
    attempt: p.integer(),
    createdAt: createdAt(),
    finishedAt: moment().nullable(),
  },
  indexes: [{ name: 'activity_effects_task_index', properties: ['taskId'] }],
});

/** The record of one effect on the outside world: `pending` before the call, `done` with its result after it. */
export class ActivityEffect extends schema.class {}
schema.setClass(ActivityEffect);
