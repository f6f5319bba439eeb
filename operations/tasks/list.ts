import { TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { type DeadLetterFilter, DeadLetterRepository } from '../../entities/tasks/dead-letter-repository.ts';
import { type TaskFilter, TaskRepository } from '../../entities/tasks/task-repository.ts';
import { oneOf, yesOrNo } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { conversation, listed, name, time } from './task-fields.ts';

const LIST = { effect: 'read', risk: 'data_exfiltration_risk', permission: 'tasks:read', unit: 'statement' } as const;

/** Which tasks a list shows: 50 of them unless `limit` says otherwise. */
export type TaskListOptions = Partial<TaskFilter>;

export const listTasks = defineOperation({
  ...LIST,
  name: 'tasks.list',
  summary: 'Lists tasks, the newest first.',
  input: {
    status: oneOf(TASK_STATUSES).optional(),
    graph: name,
    conversation,
    overdue: yesOrNo.optional(),
    limit: listed,
  },
  handle: ({ em }, { limit = 50, ...filter }: TaskListOptions) => new TaskRepository(em).list({ ...filter, limit }),
});

/** Which dead letters to list, the latest first. */
export interface DeadListOptions extends DeadLetterFilter {
  /** 1 to 500. @defaultValue 50 */
  readonly limit?: number;
}

export const listDeadTasks = defineOperation({
  ...LIST,
  name: 'tasks.dead',
  summary: 'Lists the tasks that failed and wait for a person.',
  input: { graph: name, since: time, limit: listed },
  handle: ({ em }, { limit = 50, ...filter }: DeadListOptions) => new DeadLetterRepository(em).list(filter, limit),
});
