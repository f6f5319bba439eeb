import type { Command } from 'commander';
import { TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import type { TaskListOptions } from '../../operations/tasks/list.ts';
import { oneOf, shortText, tenantName, wholeNumber } from '../input/option-values.ts';
import { type Column, formatDateTime, formatSpan, formatTable, paintStatus, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

/** `tasks`. */
export function addTasksCommand(program: Command): void {
  program
    .command('tasks')
    .description('list the newest tasks')
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .option('--status <status>', TASK_STATUSES.join(', '), oneOf(TASK_STATUSES))
    .option('--graph <graph>', 'only tasks of this graph', shortText)
    .option('--conversation <id>', 'only tasks of this conversation', shortText)
    .option('--overdue', 'only tasks past their due time')
    .option('--limit <count>', '1 to 500 (default: 50)', wholeNumber({ min: 1, max: 500 }))
    .action(action(tasks));
}

async function tasks(options: TenantOptions & TaskListOptions): Promise<void> {
  const { status, graph, conversation, overdue, limit } = options;
  const which = given({ status, graph, conversation, overdue });
  const found = await withMuster(options, (muster) => muster.tasks({ ...which, ...given({ limit }) }));
  const empty = 'No task yet. `muster submit` submits one.';
  const none = Object.keys(which).length === 0 ? empty : 'No such task.';
  new Output(options).result(found.map(taskData), (colors) => (found.length === 0 ? none : formatTasks(found, colors)));
}

function taskData(task: TaskRecord) {
  const { id, graph, title, status, priority, user, conversation, key, createdAt, startedAt, completedAt, error } =
    task;
  return { id, graph, title, status, priority, user, conversation, key, createdAt, startedAt, completedAt, error };
}

function formatTasks(found: readonly TaskRecord[], colors: Colors): string {
  const columns: Column<TaskRecord>[] = [
    { title: 'task', of: ({ id }) => id },
    { title: 'status', of: ({ status }) => status, paint: (text) => paintStatus(text, colors) },
    { title: 'priority', of: ({ priority }) => priority },
    { title: 'graph', of: ({ graph }) => graph },
    { title: 'title', of: ({ title }) => shorten(title, 32) },
    { title: 'created', of: ({ createdAt }) => formatDateTime(createdAt) },
    { title: 'took', of: ({ startedAt, completedAt }) => formatSpan(startedAt, completedAt), align: 'right' },
  ];
  return formatTable(found, columns, colors);
}
