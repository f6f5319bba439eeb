import type { Command } from 'commander';
import type { SubmitOptions, SubmittedTask } from '../../client.ts';
import { loadConfig } from '../../config.ts';
import type { TaskBudgetOptions } from '../../domain/budgets/amounts.ts';
import type { TaskId } from '../../domain/ids.ts';
import { PRIORITY_BANDS, type PriorityBand } from '../../domain/tasks/priority.ts';
import { RECURRENCE_INTERVALS, recurrenceOf } from '../../domain/tasks/recurrence.ts';
import { addBudgetOptions, budgetOf, WHEN_EXHAUSTED_OPTION } from '../budgets/budget-options.ts';
import { WrongUsage } from '../cli-errors.ts';
import { comingMoment, fileName, oneOf, parameter, shortText, taskIds, tenantName } from '../input/option-values.ts';
import { formatOutput, paintStatus } from '../output/formatting.ts';
import { Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';
import { readSubmitInput } from './submit-input.ts';
import { endFailure, waitForEnd } from './wait-for-task.ts';

interface SubmitCommandOptions extends TenantOptions, TimeOptions, TaskBudgetOptions {
  readonly input?: string;
  readonly param?: ReadonlyMap<string, string>;
  readonly priority?: PriorityBand;
  readonly user?: string;
  readonly conversation?: string;
  readonly key?: string;
  readonly wait?: boolean;
}

export function addSubmitCommand(program: Command): void {
  const submitCommand = program
    .command('submit')
    .description('submit a task; it waits until a worker takes it')
    .argument('<graph>', 'the graph to run; `muster graphs` lists them')
    .option('-i, --input <file>', 'the input: a document or a JSON object; - reads standard input', fileName)
    .option('-p, --param <name=value>', 'one property of the input; may be repeated', parameter)
    .option('--priority <band>', `${PRIORITY_BANDS.join(', ')} (default: normal)`, oneOf(PRIORITY_BANDS))
    .option('--user <user>', 'the user on whose behalf it runs; tasks of one user never overlap', shortText)
    .option('--conversation <id>', 'the conversation that it belongs to', shortText)
    .option('--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName)
    .option('--key <key>', 'an idempotency key: the same key is the same task', shortText)
    .option('--wait', 'wait for the end and print the output');
  addTimeOptions(submitCommand);
  addBudgetOptions(submitCommand).option(...WHEN_EXHAUSTED_OPTION);
  submitCommand.action(action(submit));
}

async function submit(graph: string, options: SubmitCommandOptions): Promise<void> {
  const output = new Output(options);
  const times = timesOf(options);
  const budget = budgetOf(options);
  await withMuster(options, async (muster) => {
    const shape = (await muster.graphs()).find(({ name }) => name === graph);
    // The submit refuses a name that is not published before anything is read.
    const input = shape === undefined ? {} : await readSubmitInput(shape, sourcesOf(options, output));
    const { priority, user, conversation, key } = options;
    const more = given({ priority, user, conversation, key, budget });
    const task = await muster.submit(graph, input, { ...more, ...times });
    if (options.wait === true) await finish(task, output);
    else output.result(factsOf(task, task.status), () => describe(task));
  });
}

function sourcesOf({ input, param = new Map() }: SubmitCommandOptions, output: Output) {
  if (input === '-' && process.stdin.isTTY) output.progress('Reading standard input; end it with Ctrl-D.');
  return { file: input, parameters: param, maxBytes: loadConfig().maxInputBytes, stdin: process.stdin };
}

function factsOf({ id, workflowId, duplicate }: SubmittedTask, status: string) {
  return { taskId: id, workflowId, status, duplicate };
}

function describe({ id, status, duplicate }: SubmittedTask): string {
  const known = duplicate ? ' (known by its key; nothing was submitted)' : '';
  return `task ${id} ${status}${known}\n\`muster watch ${id}\` follows it, \`muster show ${id}\` shows it.`;
}

async function finish(task: SubmittedTask, output: Output): Promise<void> {
  const view = await waitForEnd(task, { output });
  const { status } = view.task;
  output.result({ ...factsOf(task, status), output: view.output }, (colors) => {
    const head = `task ${task.id} ${paintStatus(status, colors)}`;
    return status === 'completed'
      ? `${head}\n${formatOutput(view.output, `\`muster show ${task.id} --json\` has all of it`)}`
      : head;
  });
  const failure = endFailure(view);
  if (failure !== null) throw failure;
}

/** The options of `submit` that say when a task starts and ends, what it waits for, and whether it comes again. */
export interface TimeOptions {
  readonly startAt?: Date;
  readonly due?: Date;
  readonly deadline?: Date;
  readonly dependsOn?: readonly string[];
  readonly repeat?: string;
  readonly timezone?: string;
  readonly concurrencyKey?: string;
}

function addTimeOptions(command: Command): void {
  command
    .option(
      '--start-at <moment>',
      'do not start before: 30m, 2h or 7d from now, or a time like 2026-11-23T09:00',
      comingMoment,
    )
    .option('--due <moment>', 'when it should have ended; after that it is overdue', comingMoment)
    .option('--deadline <moment>', 'when it must have ended; after that it fails', comingMoment)
    .option('--depends-on <tasks>', 'ids of tasks that must be completed first, separated by commas', taskIds)
    .option('--repeat <rule>', `${RECURRENCE_INTERVALS.join(', ')}, or a cron pattern like "0 9 * * 1-5"`, shortText)
    .option('--timezone <zone>', 'with --repeat: the time zone of the rule (default: UTC)', shortText)
    .option('--concurrency-key <key>', 'count it under a key of your own; see `muster limits`', shortText)
    .addHelpText('after', EXAMPLES);
}

const EXAMPLES = `
Examples:
  muster submit channel-digest --input talk.md --priority high --wait
  muster submit report --start-at 2h --deadline 1d
  muster submit report --start-at 2026-11-23 --due "2026-11-23 18:00+01:00"
  muster submit report --repeat "0 9 * * 1-5" --timezone Europe/Berlin

A date without a time means midnight. Without a zone, times are local to this machine.`;

/** The submit options that these command-line options mean. @throws WrongUsage */
function timesOf(options: TimeOptions): SubmitOptions {
  const { startAt, due, deadline, dependsOn, repeat, timezone, concurrencyKey } = options;
  if (timezone !== undefined && repeat === undefined) throw new WrongUsage('--timezone goes with --repeat.');
  return given({
    startAt,
    dueAt: due,
    deadlineAt: deadline,
    dependsOn: dependsOn as readonly TaskId[] | undefined,
    repeat: repeat === undefined ? undefined : ruleOf(repeat, timezone),
    concurrencyKey,
  });
}

/** The name of an interval, or else a cron pattern. @throws WrongUsage for a rule or time zone that there is not */
function ruleOf(repeat: string, timezone: string | undefined): NonNullable<SubmitOptions['repeat']> {
  const every = RECURRENCE_INTERVALS.find((interval) => interval === repeat.toLowerCase());
  const rule = every === undefined ? { cron: repeat, ...given({ timezone }) } : { every, ...given({ timezone }) };
  const read = recurrenceOf(rule, new Date());
  if (typeof read === 'string') throw new WrongUsage(`--repeat: ${read}.`);
  return rule;
}
