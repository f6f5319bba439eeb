import { z } from 'zod';
import type { JsonObject } from '../../domain/json.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { forUser, type SubmitOptions } from './submit-options.ts';
import { SUBMIT_FIELDS } from './task-fields.ts';

export interface SubmitInput extends SubmitOptions {
  readonly graph: string;
  readonly input: JsonObject;
}

/** See {@link Muster.submit}. A repetition under the same `key` finds the first task. */
export const submitTask = defineOperation({
  name: 'tasks.submit',
  summary: 'Submits a task, which then reaches exactly one end.',
  effect: 'write',
  permission: 'tasks:write',
  limit: 'submit',
  costs: ({ user }: SubmitInput) => (user === undefined ? {} : { user }),
  unit: 'none',
  input: {
    ...SUBMIT_FIELDS,
    graph: text(),
    // Whatever it is, the graph's own checks say more about it.
    input: z.unknown().optional() as unknown as z.ZodType<JsonObject>,
  },
  handle: ({ caller, stores }, { graph, input, ...options }: SubmitInput) =>
    stores.submitterOf(caller.tenant).submit(graph, input, forUser(caller, options)),
});
