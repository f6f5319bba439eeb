import { defineEntity, p } from '@mikro-orm/core';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { keyOf, moment, plainTenantId } from '../columns.ts';
import { Task } from './task.ts';

const schema = defineEntity({
  name: 'ConcurrencySlot',
  tableName: 'concurrency_slots',
  properties: {
    key: p.text().primary(),
    /** 1 to the key's limit. */
    slot: p.integer().primary().check('slot >= 1'),
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>().index('concurrency_slots_task_index'),
    tenantId: plainTenantId().$type<TenantId>(),
    /** The fence of the claim that took it. */
    fence: p.bigint('number'),
    takenAt: moment().defaultRaw('now()'),
  },
});

/**
 * One slot of a limited concurrency key, held by one open task. Taken by the claim and freed by the end of the task, each
 * in the same transaction, and between them as `moveOpenTask` says: no slot outlives its task, and the primary key keeps
 * two tasks from holding one.
 */
export class ConcurrencySlot extends schema.class {}
schema.setClass(ConcurrencySlot);
