import type { TaskView } from '../../client.ts';
import type { RunView } from '../../operations/tasks/task-view.ts';
import {
  formatDateTime,
  formatOutput,
  formatSpan,
  formatTable,
  formatTime,
  paintStatus,
  plain,
  plainLines,
  shorten,
} from '../output/formatting.ts';
import type { Colors } from '../output/output.ts';

/** A task for people: what it is, how each of its traces went node by node, and its output. */
export function formatTask(view: TaskView, colors: Colors): string {
  const { task } = view;
  const parts = [formatHead(task, colors), ...view.traces.map((trace) => formatTrace(trace, view.traces, colors))];
  if (task.status === 'failed') parts.push(`\`muster redrive ${task.id}\` lets it run again, under a new trace.`);
  if (view.pruned.traces) parts.push('Retention has removed traces of this task; its end stands.');
  if (view.pruned.output) parts.push('Retention has removed the output of this task.');
  else if (task.status === 'completed') {
    const hint = `\`muster show ${task.id} --json\` has all of it`;
    parts.push(`${colors.bold('output')}\n${formatOutput(view.output, hint)}`);
  }
  return parts.join('\n\n');
}

function formatHead(task: TaskView['task'], colors: Colors): string {
  const { id, title, graph, status, priority, user, key, tenant, workflowId, createdAt, startedAt, completedAt } = task;
  const times = `created ${formatDateTime(createdAt)}`;
  const waited = startedAt === null ? '' : `, waited ${formatSpan(createdAt, startedAt)}`;
  const ran = startedAt === null ? '' : `, ran ${formatSpan(startedAt, completedAt)}`;
  const facts: [string, string][] = [
    ['task', `${colors.bold(id)}  ${paintStatus(status, colors)}`],
    ['title', shorten(title, 100)],
    ['graph', `${graph}, priority ${priority}, tenant ${tenant}`],
    [
      'for',
      [user === null ? '' : `user ${plain(user)}`, key === null ? '' : `key ${plain(key)}`].filter(Boolean).join(', '),
    ],
    ['times', times + waited + ran],
    ['wanted', formatWishes(task)],
    ['repeats', task.recurrence === null ? '' : formatRecurrence(task.recurrence)],
    ['waits for', task.waitsFor === null ? '' : colors.yellow(plain(task.waitsFor))],
    ['workflow', workflowId],
    ['error', task.error === null ? '' : colors.red(`${task.error.code}: ${plain(task.error.message)}`)],
  ];
  return facts
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `${colors.dim(name.padEnd(9))} ${text}`)
    .join('\n');
}

function formatWishes({ startAt, dueAt, deadlineAt }: TaskView['task']): string {
  const wishes: [string, Date | null][] = [
    ['not before', startAt],
    ['due', dueAt],
    ['deadline', deadlineAt],
  ];
  return wishes.flatMap(([name, at]) => (at === null ? [] : [`${name} ${formatDateTime(at)}`])).join(', ');
}

function formatRecurrence(recurrence: NonNullable<TaskView['task']['recurrence']>): string {
  const rule = 'cron' in recurrence ? `at ${plain(recurrence.cron)}` : recurrence.every;
  return `${rule}, time zone ${recurrence.timezone}`;
}

function formatTrace(trace: TaskView['traces'][number], all: TaskView['traces'], colors: Colors): string {
  const { number, status, startedAt, finishedAt, runs, events, originTraceId } = trace;
  const origin = all.find(({ id }) => id === originTraceId);
  const after = origin === undefined ? '' : `, redriven after trace ${origin.number}`;
  const head = `${colors.bold(`trace ${number}`)}  ${paintStatus(status, colors)}  ${formatSpan(startedAt, finishedAt)}, ${events.length} events${after}`;
  const shown = shownRuns(runs);
  const table = formatTable(
    [
      { title: 'node' },
      { title: 'agent' },
      { title: 'status', paint: (text) => paintStatus(text, colors) },
      { title: 'tries', align: 'right' },
      { title: 'started' },
      { title: 'took', align: 'right' },
    ],
    shown.map(rowOf),
    colors,
  );
  const left = runs.length - shown.length;
  const more = left === 0 ? [] : [colors.dim(`  and ${left} more runs within; --json has them all`)];
  return [head, table, ...more, ...shown.flatMap((run) => formatFault(run, colors))].join('\n');
}

/** How many runs within a container are shown before the rest is only counted. */
const MAX_SHOWN_WITHIN = 50;

/** All runs of the task's own graph; of those within, the first and every one that failed. */
function shownRuns(runs: readonly RunView[]): readonly RunView[] {
  let within = 0;
  return runs.filter(({ path, nodeId, status }) => {
    if (path === nodeId) return true;
    within += 1;
    return within <= MAX_SHOWN_WITHIN || status === 'fatal_error' || status === 'retryable_error';
  });
}

function rowOf({ path, agent, status, attempts, startedAt, finishedAt }: RunView): string[] {
  const started = startedAt === null ? '' : formatTime(startedAt);
  return [path, agent, status, String(attempts), started, formatSpan(startedAt, finishedAt)];
}

function formatFault({ path, status, error }: RunView, colors: Colors): string[] {
  if (error === null) return [];
  if (status === 'skipped') return [colors.dim(`  ${path}: ${plain(error.message)}`)];
  return [colors.red(`  ${path}: ${error.code}: ${plainLines(error.message)}`)];
}
