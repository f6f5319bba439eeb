import type { Command } from 'commander';
import { TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import type { GraphHead } from '../../entities/graphs/statements/newest-graphs.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import type { TaskListOptions } from '../../operations/tasks/list.ts';
import { oneOf, shortText, tenantName, wholeNumber } from '../input/option-values.ts';
import { type Column, formatDateTime, formatSpan, formatTable, paintStatus, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

/** `tasks` and `graphs`. */
export function addListCommands(program: Command): void {
  list(program, 'tasks', 'list the newest tasks')
    .option('--status <status>', TASK_STATUSES.join(', '), oneOf(TASK_STATUSES))
    .option('--graph <graph>', 'only tasks of this graph', shortText)
    .option('--conversation <id>', 'only tasks of this conversation', shortText)
    .option('--overdue', 'only tasks past their due time')
    .option('--limit <count>', '1 to 500 (default: 50)', wholeNumber({ min: 1, max: 500 }))
    .action(action(tasks));
  list(program, 'graphs', 'list the graphs that can be submitted, and what they take').action(action(graphs));
}

function list(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName);
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

async function graphs(options: TenantOptions): Promise<void> {
  const found = await withMuster(options, (muster) => muster.graphs());
  const data = found.map(({ name, version, description, nodeCount, taskQueue, documentProperty, inputSchema }) => ({
    ...{ name, version, description, nodes: nodeCount, taskQueue, documentProperty, inputSchema },
  }));
  const none = 'No graph is published yet. `muster up` publishes those that ship with Muster.';
  new Output(options).result(data, (colors) => (found.length === 0 ? none : formatGraphs(found, colors)));
}

function formatGraphs(found: readonly GraphHead[], colors: Colors): string {
  const columns: Column<GraphHead>[] = [
    { title: 'graph', of: ({ name }) => name },
    { title: 'version', of: ({ version }) => String(version), align: 'right' },
    { title: 'nodes', of: ({ nodeCount }) => String(nodeCount), align: 'right' },
    { title: 'takes', of: ({ documentProperty }) => (documentProperty === null ? 'JSON' : 'document') },
    { title: 'task queue', of: ({ taskQueue }) => taskQueue },
    { title: 'does', of: ({ description }) => shorten(description, 80) },
  ];
  return formatTable(found, columns, colors);
}
