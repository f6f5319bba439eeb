import { DeadLetterRepository } from '../../entities/tasks/dead-letter-repository.ts';
import { defineOperation } from '../define.ts';
import { listed, name, time } from './task-fields.ts';

/** Which dead letters a list shows, the latest deaths first. */
export interface DeadListOptions {
  readonly graph?: string;
  /** Dead since this moment or later. */
  readonly since?: Date;
  /** 1 to 500. @defaultValue 50 */
  readonly limit?: number;
}

/** The tasks that failed and were not redriven, with cause, node and trace. */
export const listDeadTasks = defineOperation({
  name: 'tasks.dead',
  summary: 'Lists the tasks that failed and wait for a person.',
  effect: 'read',
  permission: 'tasks:read',
  unit: 'statement',
  input: { graph: name, since: time, limit: listed },
  handle: ({ em }, { limit = 50, ...filter }: DeadListOptions) => new DeadLetterRepository(em).list(filter, limit),
});
