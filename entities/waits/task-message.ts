import { defineEntity, p } from '@mikro-orm/core';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { createdAt, keyOf, plainTenantId } from '../columns.ts';
import { Task } from '../tasks/task.ts';

const schema = defineEntity({
  name: 'TaskMessage',
  tableName: 'task_messages',
  properties: {
    /** Grows in the order of the messages of a task: each is written under the lock of the task's row. */
    id: p.bigint('string').primary().generated('identity'),
    tenantId: plainTenantId().$type<TenantId>(),
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>(),
    name: p.text(),
    data: p.json<Json>().nullable(),
    sentBy: p.text(),
    /** The call that sent it. */
    callId: p.uuid().nullable(),
    createdAt: createdAt(),
  },
  uniques: [{ name: 'task_messages_call_unique', properties: ['callId'], where: 'call_id is not null' }],
  indexes: [{ name: 'task_messages_task_index', properties: ['taskId', 'name', 'id'] }],
});

/** A message to a task for which nothing of it waits yet. Who takes it removes it, and keeps it as the answer to its wait. */
export class TaskMessage extends schema.class {}
schema.setClass(TaskMessage);
