import type { Command } from 'commander';
import type { DeadLetter, DeadListOptions, RedriveOptions, RedriveReport } from '../../client.ts';
import { REDRIVE_EFFECTS, type RedriveOutcome } from '../../domain/tasks/dead-letter.ts';
import { WrongUsage } from '../cli-errors.ts';
import { oneOf, pastMoment, shortText, taskId, tenantName, wholeNumber } from '../input/option-values.ts';
import { type Column, formatAge, formatTable, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

interface RedriveCommandOptions extends TenantOptions, DeadListOptions, RedriveOptions {
  readonly all?: boolean;
}

/** `dead` and `redrive`. */
export function addDeadLetterCommands(program: Command): void {
  program
    .command('dead')
    .description('list the tasks that failed, with cause, node and trace')
    .option('--graph <graph>', 'only tasks of this graph', shortText)
    .option('--since <moment>', 'failed since: 30m, 2h or 7d ago, or a time like 2026-11-22T09:00', pastMoment)
    .option('--limit <count>', '1 to 500 (default: 50)', wholeNumber({ min: 1, max: 500 }))
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', DEAD_EXAMPLES)
    .action(action(dead));
  program
    .command('redrive')
    .description('let failed tasks run again, each under a new trace')
    .argument('[task...]', 'their ids; or --all')
    .option('--all', 'every failed task that matches')
    .option('--graph <graph>', 'with --all: only tasks of this graph', shortText)
    .option('--since <moment>', 'with --all: failed since: 30m, 2h or 7d ago, or a time', pastMoment)
    .option('--limit <count>', 'with --all: at most this many', wholeNumber({ min: 1, max: 1_000_000 }))
    .option(
      '--effects <what>',
      'keep: effects that were made are not repeated (default); repeat: make all effects again',
      oneOf(REDRIVE_EFFECTS),
    )
    .option('--dry-run', 'only say what would be redriven')
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', REDRIVE_EXAMPLES)
    .action(action((tasks: string[], options: RedriveCommandOptions) => redrive(tasks.map(taskId), options)));
}

const DEAD_EXAMPLES = `
Examples:
  muster dead --graph channel-digest --since 2h
  muster dead --json --limit 500`;

const REDRIVE_EXAMPLES = `
Examples:
  muster redrive 019ab3c4-5d6e-7f80-9123-456789abcdef
  muster redrive 019ab3c4-5d6e-7f80-9123-456789abcdef --effects repeat
  muster redrive --all --graph channel-digest --since 2h --dry-run`;

async function dead(options: TenantOptions & DeadListOptions): Promise<void> {
  const { graph, since, limit } = options;
  const filter = given({ graph, since, limit });
  const letters = await withMuster(options, (muster) => muster.dead(filter));
  const none = graph === undefined && since === undefined ? 'No task is dead.' : 'No such task is dead.';
  new Output(options).result(letters, (colors) => (letters.length === 0 ? none : formatLetters(letters, colors)));
}

function formatLetters(letters: readonly DeadLetter[], colors: Colors): string {
  const columns: Column<DeadLetter>[] = [
    { title: 'task', of: ({ taskId: id }) => id },
    { title: 'graph', of: ({ graph }) => graph },
    { title: 'died', of: ({ deadAt }) => formatAge(deadAt), align: 'right' },
    { title: 'reason', of: ({ reason }) => reason, paint: colors.red },
    { title: 'node', of: ({ node }) => node ?? '-' },
    { title: 'tries', of: ({ attempts }) => String(attempts), align: 'right' },
    { title: 'traces', of: ({ traceCount }) => String(traceCount), align: 'right' },
    { title: 'cause', of: ({ error }) => shorten(error?.message ?? '', 60) },
  ];
  const last = letters[0]?.taskId ?? 'TASK';
  return [
    formatTable(letters, columns, colors),
    `\`muster show ${last}\` shows what happened, \`muster redrive ${last}\` lets it run again.`,
  ].join('\n');
}

async function redrive(tasks: readonly string[], options: RedriveCommandOptions): Promise<void> {
  const { all = false, graph, since, limit, dryRun = false, effects = 'keep' } = options;
  refuseMixture(tasks, options);
  const target = all ? { all: true as const, ...given({ graph, since, limit }) } : (only(tasks) ?? tasks);
  const report = await withMuster(options, (muster) => muster.redrive(target, { dryRun, effects }));
  new Output(options).result(report, () => describe(report));
}

/** @throws WrongUsage */
function refuseMixture(tasks: readonly string[], { all = false, graph, since, limit }: RedriveCommandOptions): void {
  if (all && tasks.length > 0) throw new WrongUsage('Name tasks or give --all, not both.');
  if (!all && tasks.length === 0) {
    throw new WrongUsage('Name the tasks to redrive, or give --all. `muster dead` lists them.');
  }
  if (!all && (graph ?? since ?? limit) !== undefined) {
    throw new WrongUsage('--graph, --since and --limit go with --all. `muster redrive --help` shows how it is used.');
  }
}

/** A single task fails with its reason; several are reported one by one. */
function only(tasks: readonly string[]): string | undefined {
  return tasks.length === 1 ? tasks[0] : undefined;
}

const LEFT: Readonly<Record<Exclude<RedriveOutcome, 'redriven' | 'redrivable'>, string>> = {
  not_dead: 'is not dead and was not changed.',
  dependency_dead: 'depends on a task that failed or was cancelled; redrive that one too.',
  trace_pruned: 'is a fork, and retention has removed runs that it took over; fork its origin again.',
  unknown: 'is not known here.',
};

function describe({ tasks, dryRun }: RedriveReport): string {
  const left = tasks.flatMap(({ taskId: id, outcome }) =>
    outcome === 'redriven' || outcome === 'redrivable' ? [] : [`task ${id} ${LEFT[outcome]}`],
  );
  const done = tasks.filter(({ outcome }) => outcome === 'redriven' || outcome === 'redrivable');
  const verb = dryRun ? 'would be redriven' : 'redriven';
  const first = done[0];
  const hint = first === undefined || dryRun ? [] : [`\`muster watch ${first.taskId}\` follows the first.`];
  return [`${done.length} ${done.length === 1 ? 'task' : 'tasks'} ${verb}.`, ...left, ...hint].join('\n');
}
