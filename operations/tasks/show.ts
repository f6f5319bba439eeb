import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { TaskUnknown } from '../operation-errors.ts';
import { taskIdOf } from './task-fields.ts';
import { readView } from './task-view.ts';

/** A task with all that is known of it, in one consistent reading. @throws TaskUnknown */
export const showTask = defineOperation({
  name: 'tasks.show',
  summary: 'Shows a task with its traces, runs, events and output.',
  effect: 'read',
  permission: 'tasks:read',
  unit: 'tenant',
  input: { id: text() },
  async handle({ em, caller }, { id }: { readonly id: string }) {
    const view = await readView(em, taskIdOf(caller.tenant, id));
    if (view === null) throw new TaskUnknown(id, caller.tenant);
    return view;
  },
});
