import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { TaskView } from '../../client.ts';
import { errorClause } from '../../domain/errors.ts';
import type { RunView } from '../../operations/tasks/trace-view.ts';
import { sumOf } from '../../operations/thinking/steps-view.ts';
import { budgetLine } from '../budgets/budget-text.ts';
import { WrongUsage } from '../cli-errors.ts';
import { fileName, taskId, tenantName } from '../input/option-values.ts';
import {
  type Column,
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
import { type Colors, Output } from '../output/output.ts';
import { action, type TenantOptions, withMuster } from '../session.ts';
import { formatSteps, formatUsage } from './steps-text.ts';

export function addShowCommand(program: Command): void {
  program
    .command('show')
    .description('show a task: its traces, the runs of their nodes, its output')
    .argument('<task>', "the task's id", taskId)
    .option(
      '--html <file>',
      'write all of it as one HTML page into this file, in the place of an earlier one',
      fileName,
    )
    .option('--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName)
    .action(action(show));
}

interface ShowOptions extends TenantOptions {
  readonly html?: string;
}

async function show(id: string, { html, ...options }: ShowOptions): Promise<void> {
  const output = new Output(options);
  const view = await withMuster(options, (muster) => muster.task(id).show());
  if (html !== undefined) return writePage(view, html, output);
  output.result(view, (colors) => formatTask(view, colors));
}

async function writePage(view: TaskView, file: string, output: Output): Promise<void> {
  const { taskPage } = await import('./page/task-page.ts');
  const path = resolve(file);
  try {
    await writeFile(path, taskPage(view, new Date()));
  } catch (error) {
    throw new WrongUsage(
      `The page could not be written to ${path} (${errorClause(error)}). Name another file after --html.`,
    );
  }
  output.result({ taskId: view.task.id, html: path }, () => `The page is ${path}`);
}

/** A task for people: what it is, how each of its traces went node by node, and its output. */
function formatTask(view: TaskView, colors: Colors): string {
  const { task } = view;
  const parts = [formatHead(view, colors), ...view.traces.map((trace) => formatTrace(trace, view.traces, colors))];
  if (task.status === 'failed') parts.push(`\`muster redrive ${task.id}\` lets it run again, under a new trace.`);
  if (view.pruned.traces) parts.push('Retention has removed traces of this task; its status is still valid.');
  if (view.pruned.output) parts.push('Retention has removed the output of this task.');
  else if (task.status === 'completed') {
    const hint = `\`muster show ${task.id} --json\` has all of it`;
    parts.push(`${colors.bold('output')}\n${formatOutput(view.output, hint)}`);
  }
  return parts.join('\n\n');
}

function formatHead({ task, budget, usage, parent, origin, forks }: TaskView, colors: Colors): string {
  const { id, title, graph, status, priority, tenant, workflowId, createdAt, startedAt, completedAt } = task;
  const times = `created ${formatDateTime(createdAt)}`;
  const waited = startedAt === null ? '' : `, waited ${formatSpan(createdAt, startedAt)}`;
  const ran = startedAt === null ? '' : `, ran ${formatSpan(startedAt, completedAt)}`;
  const facts: [string, string][] = [
    ['task', `${colors.bold(id)}  ${paintStatus(status, colors)}`],
    ['title', shorten(title, 100)],
    ['graph', `${graph}, priority ${priority}, tenant ${tenant}`],
    ['for', formatOwners(task)],
    ['continues', origin === null ? '' : `trace ${origin.trace} of ${origin.taskId} at ${plain(origin.at)}`],
    ['forks', forks.map(({ taskId: fork, at }) => `${fork} at ${plain(at)}`).join(', ')],
    ['acts for', plain(task.actsFor.join(', '))],
    ['times', times + waited + ran],
    ['wanted', formatWishes(task)],
    ['repeats', task.recurrence === null ? '' : formatRecurrence(task.recurrence)],
    ['waits for', task.waitsFor === null ? '' : colors.yellow(plain(task.waitsFor))],
    ['part of', parent === null ? '' : `${parent.taskId}, ${parent.path}`],
    ['budget', budget === null ? '' : budgetLine(budget, colors)],
    ['models', usage.inputTokens + usage.outputTokens === 0 ? '' : formatUsage(usage)],
    ['workflow', workflowId],
    ['error', task.error === null ? '' : colors.red(`${task.error.code}: ${plain(task.error.message)}`)],
  ];
  return facts
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `${colors.dim(name.padEnd(9))} ${text}`)
    .join('\n');
}

function formatOwners({ user, conversation, key }: TaskView['task']): string {
  const owners = Object.entries({ user, conversation, key });
  return owners.flatMap(([name, value]) => (value === null ? [] : [`${name} ${plain(value)}`])).join(', ');
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
  const columns: Column<RunView>[] = [
    { title: 'node', of: ({ path }) => path },
    { title: 'agent', of: ({ agent }) => agent },
    { title: 'status', of: (run) => run.status, paint: (text) => paintStatus(text, colors) },
    { title: 'tries', of: ({ attempts }) => String(attempts), align: 'right' },
    { title: 'started', of: startText },
    { title: 'took', of: (run) => formatSpan(run.startedAt, run.finishedAt), align: 'right' },
  ];
  const table = formatTable(shown, columns, colors);
  const left = runs.length - shown.length;
  const more = left === 0 ? [] : [colors.dim(`  and ${left} more runs within; --json has them all`)];
  const thinking = shown.flatMap((run) => formatThinking(run, trace, colors));
  return [head, table, ...more, ...thinking, ...shown.flatMap((run) => formatFault(run, colors))].join('\n');
}

function startText({ startedAt, takenFrom }: RunView): string {
  if (startedAt !== null) return formatTime(startedAt);
  return takenFrom === null ? '' : 'taken over';
}

/** What a thinking run asked of its model and its tools; nothing for any other run. */
function formatThinking({ path }: RunView, trace: TaskView['traces'][number], colors: Colors): readonly string[] {
  const steps = trace.steps.filter((step) => step.path === path);
  if (steps.length === 0) return [];
  return [`  ${path}: ${formatUsage(sumOf(steps))}`, ...formatSteps(steps, colors)];
}

/** How many runs within containers are shown; the others are only counted. */
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

function formatFault({ path, status, error }: RunView, colors: Colors): string[] {
  if (error === null) return [];
  if (status === 'skipped') return [colors.dim(`  ${path}: ${plain(error.message)}`)];
  return [colors.red(`  ${path}: ${error.code}: ${plainLines(error.message)}`)];
}
