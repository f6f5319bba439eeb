import type { Command } from 'commander';
import { TASK_STATUSES, type TaskStatus } from '../../domain/tasks/task-status.ts';
import type { GraphHead } from '../../entities/graphs/statements/newest-graphs.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { given } from '../input/given.ts';
import { oneOf, shortText, tenantName, wholeNumber } from '../input/option-values.ts';
import { type Column, formatDateTime, formatSpan, formatTable, paintStatus, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { type TenantOptions, withMuster } from '../session.ts';

interface TaskListOptions extends TenantOptions {
  readonly status?: TaskStatus;
  readonly graph?: string;
  readonly overdue?: boolean;
  readonly limit?: number;
}

/** `tasks` and `graphs`. */
export function addListCommands(program: Command): void {
  list(program, 'tasks', 'list the newest tasks')
    .option('--status <status>', TASK_STATUSES.join(', '), oneOf(TASK_STATUSES))
    .option('--graph <graph>', 'only tasks of this graph', shortText)
    .option('--overdue', 'only tasks past their due time')
    .option('--limit <count>', '1 to 500 (default: 50)', wholeNumber({ min: 1, max: 500 }))
    .action((_options: unknown, command: Command) => tasks(command.optsWithGlobals<TaskListOptions>()));
  list(program, 'graphs', 'list the graphs that can be submitted, and what they take').action(
    (_options: unknown, command: Command) => graphs(command.optsWithGlobals<TenantOptions>()),
  );
}

function list(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName);
}

async function tasks(options: TaskListOptions): Promise<void> {
  const { status, graph, overdue, limit } = options;
  const filter = given({ status, graph, overdue, limit });
  const found = await withMuster(options, (muster) => muster.tasks(filter));
  const empty = 'No task yet. `muster submit` submits one.';
  const none = status === undefined && graph === undefined && overdue === undefined ? empty : 'No such task.';
  new Output(options).result(found.map(taskData), (colors) => (found.length === 0 ? none : formatTasks(found, colors)));
}

function taskData(task: TaskRecord) {
  const { id, graph, title, status, priority, user, key, createdAt, startedAt, completedAt, error } = task;
  return { id, graph, title, status, priority, user, key, createdAt, startedAt, completedAt, error };
}

function formatTasks(found: readonly TaskRecord[], colors: Colors): string {
  const columns: Column[] = [
    { title: 'task' },
    { title: 'status', paint: (text) => paintStatus(text, colors) },
    { title: 'priority' },
    { title: 'graph' },
    { title: 'title' },
    { title: 'created' },
    { title: 'took', align: 'right' },
  ];
  const rows = found.map(({ id, status, priority, graph, title, createdAt, startedAt, completedAt }) => [
    ...[id, status, priority, graph, shorten(title, 32)],
    ...[formatDateTime(createdAt), formatSpan(startedAt, completedAt)],
  ]);
  return formatTable(columns, rows, colors);
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
  const columns: Column[] = [
    { title: 'graph' },
    { title: 'version', align: 'right' },
    { title: 'nodes', align: 'right' },
    { title: 'takes' },
    { title: 'task queue' },
    { title: 'does' },
  ];
  const rows = found.map(({ name, version, nodeCount, documentProperty, taskQueue, description }) => [
    ...[name, String(version), String(nodeCount), documentProperty === null ? 'JSON' : 'document'],
    ...[taskQueue, shorten(description, 80)],
  ]);
  return formatTable(columns, rows, colors);
}
