import { defineEntity } from '@mikro-orm/core';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { keyOf, plainTenantId } from '../columns.ts';
import { Task } from './task.ts';

const end = (column: string) => keyOf(Task, column).$type<TaskId>().primary();

const schema = defineEntity({
  name: 'TaskDependency',
  tableName: 'task_dependencies',
  properties: {
    taskId: () => end('task_id'),
    dependsOnTaskId: () => end('depends_on_task_id'),
    tenantId: plainTenantId().$type<TenantId>(),
  },
  indexes: [{ name: 'task_dependencies_wanted_index', properties: ['dependsOnTaskId'] }],
  checks: [{ name: 'task_dependencies_ends_check', expression: 'task_id <> depends_on_task_id' }],
});

/** A task that waits for another one's end. */
export class TaskDependency extends schema.class {}
schema.setClass(TaskDependency);
