import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TenantId } from '../../domain/ids.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { text } from '../../options/fields.ts';
import { type Call, defineOperation } from '../define.ts';
import { TaskUnknown } from '../operation-errors.ts';
import { askWorkflow } from './ask-workflow.ts';
import { taskIdOf } from './task-fields.ts';
import { readView } from './task-view.ts';

/** What every reading of one task declares alike. */
const READ = {
  effect: 'read',
  risk: 'data_exfiltration_risk',
  permission: 'tasks:read',
  input: { id: text() },
} as const;

export interface TaskInput {
  readonly id: string;
}

export const readTask = defineOperation({
  ...READ,
  name: 'tasks.read',
  summary: 'Reads the row of a task: its status, times and error.',
  unit: 'statement',
  handle: ({ em, caller }, { id }: TaskInput) => requireTask(em, caller.tenant, id),
});

/** @throws TaskUnknown */
export async function requireTask(em: SqlEntityManager, tenant: TenantId, id: string): Promise<TaskRecord> {
  const task = await new TaskRepository(em).find(taskIdOf(tenant, id));
  if (task === null) throw new TaskUnknown(id, tenant);
  return task;
}

/** The same in a statement of its own. @throws TaskUnknown */
export function readAlone({ caller, stores }: Call, id: string): Promise<TaskRecord> {
  return stores.database.single.inTenant(caller.tenant, ({ em }) => requireTask(em, caller.tenant, id));
}

export const showTask = defineOperation({
  ...READ,
  name: 'tasks.show',
  summary: 'Shows a task with its traces, runs, events and output.',
  unit: 'tenant',
  async handle({ em, caller }, { id }: TaskInput) {
    const view = await readView(em, taskIdOf(caller.tenant, id));
    if (view === null) throw new TaskUnknown(id, caller.tenant);
    return view;
  },
});

export const taskProgress = defineOperation({
  ...READ,
  name: 'tasks.progress',
  summary: 'Asks the workflow of a running task where it stands.',
  risk: 'read_only',
  unit: 'none',
  async handle(call, { id }: TaskInput) {
    const task = await readAlone(call, id);
    return askWorkflow(task, 'asked for its progress', () => call.stores.workflows.progress(task));
  },
});
