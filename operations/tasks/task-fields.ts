import { z } from 'zod';
import { isUuid, type TaskId, type TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { PRIORITY_BANDS } from '../../domain/tasks/priority.ts';
import { listOf, moment, oneOf, text, textLike, wholeNumber } from '../../options/fields.ts';
import { type OptionFields, optionsOf } from '../../options/parse-options.ts';
import { taskBudget } from '../budgets/budget-fields.ts';
import { TaskUnknown } from '../operation-errors.ts';
import type { SubmitItem, SubmitOptions } from './submit-options.ts';

/** How the fields of operations on tasks are read. */

/** Tasks of one list. */
const MAX_LISTED = 500;
const MAX_DEPENDENCIES = 100;
export const MAX_TITLE_LENGTH = 500;
export const MAX_CONVERSATION_LENGTH = 200;
const MAX_REASON_LENGTH = 1_000;

export const name = text().optional();
export const conversation = text({ max: MAX_CONVERSATION_LENGTH }).optional();
export const time = moment.optional();
export const reason = text({ max: MAX_REASON_LENGTH });
export const listed = wholeNumber({ min: 1, max: MAX_LISTED }).optional();
const taskId = textLike<TaskId>("a task's id, a UUID in lower case", isUuid);

export const SUBMIT_FIELDS: OptionFields<SubmitOptions> = {
  priority: oneOf(PRIORITY_BANDS).optional(),
  user: name,
  conversation,
  key: name,
  title: text({ max: MAX_TITLE_LENGTH }).optional(),
  concurrencyKey: name,
  startAt: time,
  dueAt: time,
  deadlineAt: time,
  dependsOn: listOf(taskId, { max: MAX_DEPENDENCIES, of: 'ids of tasks' }).optional(),
  // What it means needs the times beside it: see `timesOf`.
  repeat: z.unknown().optional() as z.ZodType<SubmitOptions['repeat']>,
  budget: taskBudget.optional(),
};

/** The input of a task; whatever it is, the graph's own checks say more about it. */
export const objectInput = z.unknown() as unknown as z.ZodType<JsonObject>;

/** One task of a batch. */
export const submitItem = optionsOf<SubmitItem>('submit', {
  ...SUBMIT_FIELDS,
  input: objectInput.optional() as z.ZodType<SubmitItem['input']>,
});

/** A text that names a task, as that task's id. @throws TaskUnknown for what cannot be one */
export function taskIdOf(tenant: TenantId, id: string): TaskId {
  if (!isUuid(id)) throw new TaskUnknown(id, tenant);
  return id as TaskId;
}
