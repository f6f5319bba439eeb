import { z } from 'zod';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';

export interface SubmitManyInput {
  readonly graph: string;
  readonly items: readonly unknown[];
}

/** Tasks in one call. */
const MAX_ITEMS = 10_000;

/** See {@link Muster.submitMany}: all of the tasks or none. */
export const submitTasks = defineOperation({
  name: 'tasks.submitMany',
  summary: 'Submits up to 10,000 tasks of one graph in one transaction.',
  effect: 'write',
  permission: 'tasks:write',
  limit: 'submit',
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

/** A batch for several users is the tenant's: it is admitted whole, or not at all. */
function onlyUserOf(items: readonly unknown[]): string | undefined {
  const users = new Set(items.map((item) => (item as { readonly user?: unknown } | null)?.user));
  const [user] = users;
  return users.size === 1 && typeof user === 'string' ? user : undefined;
}
