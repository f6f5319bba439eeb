import { TASK_STATUSES, type TaskStatus } from '../../domain/tasks/task-status.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { oneOf, yesOrNo } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { listed, name } from './task-fields.ts';

/** Which tasks a list shows. */
export interface TaskListOptions {
  readonly status?: TaskStatus;
  readonly graph?: string;
  readonly overdue?: boolean;
  readonly limit?: number;
}

/** The newest tasks first; with `overdue`, those that have not ended although they were due, longest overdue first. */
export const listTasks = defineOperation({
  name: 'tasks.list',
  summary: 'Lists tasks, the newest first.',
  effect: 'read',
  permission: 'tasks:read',
  unit: 'statement',
  input: { status: oneOf(TASK_STATUSES).optional(), graph: name, overdue: yesOrNo.optional(), limit: listed },
  handle: ({ em }, { limit = 50, ...filter }: TaskListOptions) => new TaskRepository(em).list({ ...filter, limit }),
});
