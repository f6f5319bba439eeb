import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { askWorkflow } from './ask-workflow.ts';
import { requireTask } from './read.ts';

/** What the workflow itself says of a running task. @throws TaskUnknown, TaskNotOpen, TemporalUnreachable */
export const taskProgress = defineOperation({
  name: 'tasks.progress',
  summary: 'Asks the workflow of a running task where it stands.',
  effect: 'read',
  permission: 'tasks:read',
  unit: 'none',
  input: { id: text() },
  async handle({ caller, stores }, { id }: { readonly id: string }) {
    const task = await stores.database.single.inTenant(caller.tenant, ({ em }) => requireTask(em, caller.tenant, id));
    return askWorkflow(task, 'asked for its progress', () => stores.workflows.progress(task));
  },
});
