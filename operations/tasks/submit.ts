import { z } from 'zod';
import type { JsonObject } from '../../domain/json.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { forCaller, type SubmitOptions } from './submit-options.ts';
import { objectInput, SUBMIT_FIELDS } from './task-fields.ts';

/** What both ways to submit declare alike. */
const SUBMIT = { effect: 'write', risk: 'external_write', permission: 'tasks:write', limit: 'submit' } as const;

export interface SubmitInput extends SubmitOptions {
  readonly graph: string;
  readonly input: JsonObject;
}

export const submitTask = defineOperation({
  ...SUBMIT,
  name: 'tasks.submit',
  summary: 'Submits a task, which then reaches exactly one end.',
  costs: ({ user }: SubmitInput) => (user === undefined ? {} : { user }),
  unit: 'none',
  input: {
    ...SUBMIT_FIELDS,
    graph: text(),
    input: objectInput.optional() as z.ZodType<JsonObject>,
  },
  handle: ({ caller, stores }, { graph, input, ...options }: SubmitInput) =>
    stores.submitterOf(caller.tenant).submit(graph, input, forCaller(caller, options)),
});

export interface SubmitManyInput {
  readonly graph: string;
  readonly items: readonly unknown[];
}

/** The most tasks in one call. */
const MAX_ITEMS = 10_000;

export const submitTasks = defineOperation({
  ...SUBMIT,
  name: 'tasks.submitMany',
  summary: 'Submits up to 10,000 tasks of one graph in one transaction.',
  costs: ({ items }: SubmitManyInput) => ({ cost: items.length, user: onlyUserOf(items) }),
  unit: 'none',
  input: {
    graph: text(),
    items: z
      .custom<readonly unknown[]>((value) => Array.isArray(value) && value.length <= MAX_ITEMS, {
        error: `a list of at most ${MAX_ITEMS}`,
      })
      .meta({ type: 'array', maxItems: MAX_ITEMS, items: { type: 'object' } }),
  },
  handle: ({ caller, stores }, { graph, items }: SubmitManyInput) =>
    stores.submitterOf(caller.tenant).submitMany(graph, items, caller),
});

/** A batch for several users counts for the tenant: it is admitted whole, or not at all. */
function onlyUserOf(items: readonly unknown[]): string | undefined {
  const users = new Set(items.map((item) => (item as { readonly user?: unknown } | null)?.user));
  const [user] = users;
  return users.size === 1 && typeof user === 'string' ? user : undefined;
}
