import { z } from 'zod';
import type { Graph } from '../../domain/graphs/defined-graph.ts';
import { isUuid, type TaskId } from '../../domain/ids.ts';
import { REDRIVE_EFFECTS } from '../../domain/tasks/dead-letter.ts';
import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import { TASK_STATUSES, type TaskStatus } from '../../domain/tasks/task-status.ts';
import {
  definedName,
  listOf,
  moment,
  objectWith,
  oneOf,
  taskQueue,
  text,
  textLike,
  wholeNumber,
  yesOrNo,
} from '../../options/fields.ts';
import { argumentOf, optionsOf } from '../../options/parse-options.ts';
import type { DeadListOptions, RedriveAll, RedriveOptions } from '../dead-letters.ts';
import type { SubmitItem } from '../submit.ts';
import type { SubmitOptions } from '../submit-options.ts';

/** How the options and arguments of calls about tasks are read: once, where they come in. */

/** Tasks of one list. */
export const MAX_LISTED = 500;
const MAX_DEPENDENCIES = 100;
const MAX_TITLE_LENGTH = 500;
const MAX_REASON_LENGTH = 1_000;

const name = text().optional();
const graph = text();
const time = moment.optional();
const listed = wholeNumber({ min: 1, max: MAX_LISTED }).optional();
const taskId = textLike<TaskId>("a task's id, a UUID in lower case", isUuid);

const SUBMIT = {
  priority: oneOf(PRIORITY_BANDS).optional(),
  user: name,
  key: name,
  title: text({ max: MAX_TITLE_LENGTH }).optional(),
  concurrencyKey: name,
  startAt: time,
  dueAt: time,
  deadlineAt: time,
  dependsOn: listOf(taskId, { max: MAX_DEPENDENCIES, of: 'ids of tasks' }).optional(),
  // What it means needs the times beside it: see `timesOf`.
  repeat: z.unknown().optional() as z.ZodType<SubmitOptions['repeat']>,
};

export const graphArgument = argumentOf('submit', 'graph', graph);
export const submitOptions = optionsOf<SubmitOptions>('submit', SUBMIT);
export const submitItem = optionsOf<SubmitItem>('submit', {
  ...SUBMIT,
  // Whatever it is, the graph's own checks say more about it.
  input: z.unknown().optional() as z.ZodType<SubmitItem['input']>,
});

/** Which tasks a list shows. */
export interface TaskListOptions {
  readonly status?: TaskStatus;
  readonly graph?: string;
  readonly overdue?: boolean;
  readonly limit?: number;
}

export const taskListOptions = optionsOf<TaskListOptions>('tasks', {
  status: oneOf(TASK_STATUSES).optional(),
  graph: name,
  overdue: yesOrNo.optional(),
  limit: listed,
});

export const taskIdArgument = argumentOf('task', 'id', text());
export const eventOptions = optionsOf<{ after?: number }>('events', {
  after: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional(),
});
const reason = text({ max: MAX_REASON_LENGTH });
export const cancelReason = argumentOf('cancel', 'reason', reason);
export const killReason = argumentOf('kill', 'reason', reason);

export const deadListOptions = optionsOf<DeadListOptions>('dead', { graph: name, since: time, limit: listed });
export const redriveAll = optionsOf<RedriveAll>('redrive', {
  all: z.literal(true, { error: 'true' }),
  graph: name,
  since: time,
  limit: wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER }).optional(),
});
export const redriveOptions = optionsOf<RedriveOptions>('redrive', {
  dryRun: yesOrNo.optional(),
  effects: oneOf(REDRIVE_EFFECTS).optional(),
});
export const redriveTargets = argumentOf(
  'redrive',
  'target',
  listOf(text(), { max: Number.MAX_SAFE_INTEGER, of: "tasks' ids" }),
);

export const publishedGraphs = argumentOf(
  'publish',
  'graphs',
  listOf(objectWith<Graph>('a graph made by defineGraph', { definition: 'object', handlers: 'object' }), {
    max: 10_000,
    of: 'graphs made by defineGraph',
  }),
);
export const publishOptions = optionsOf<{ taskQueue?: string }>('publish', { taskQueue: taskQueue.optional() });
export const queueOptions = optionsOf<{ allTenants?: boolean }>('queue', { allTenants: yesOrNo.optional() });
export const agentSearch = optionsOf<{ role?: string; capability?: string }>('agents', {
  role: definedName.optional(),
  capability: definedName.optional(),
});
