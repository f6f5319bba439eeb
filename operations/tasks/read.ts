import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TenantId } from '../../domain/ids.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { TaskUnknown } from '../operation-errors.ts';
import { taskIdOf } from './task-fields.ts';

/** The row of a task. @throws TaskUnknown */
export const readTask = defineOperation({
  name: 'tasks.read',
  summary: 'Reads the row of a task: its status, times and error.',
  effect: 'read',
  permission: 'tasks:read',
  unit: 'statement',
  input: { id: text() },
  handle: ({ em, caller }, { id }: { readonly id: string }) => requireTask(em, caller.tenant, id),
});

/** @throws TaskUnknown */
export async function requireTask(em: SqlEntityManager, tenant: TenantId, id: string): Promise<TaskRecord> {
  const task = await new TaskRepository(em).find(taskIdOf(tenant, id));
  if (task === null) throw new TaskUnknown(id, tenant);
  return task;
}
