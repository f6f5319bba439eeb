import type { Command } from 'commander';
import type { CheckedVersion } from '../../operations/graphs/check.ts';
import type { MigrationReport } from '../../operations/graphs/migrate.ts';
import { fileName, shortText, taskId, wholeNumber } from '../input/option-values.ts';
import { plain } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';
import { referenceOf } from './document-commands.ts';
import { TENANT, versionNumber } from './graph-names.ts';

interface CheckOptions extends TenantOptions {
  readonly traces?: number;
}

/** `graphs check` and `graphs migrate`. */
export function addCheckCommand(graphs: Command): void {
  graphs
    .command('check')
    .description('say which parked tasks and recorded traces a version would break, without calling anything')
    .argument('<version>', 'a file of graphs, or NAME@VERSION', fileName)
    .option(
      '--traces <count>',
      'how many completed traces are tried, 0 to 1000 (default: 200)',
      wholeNumber({ min: 0, max: 1_000 }),
    )
    .option(...TENANT)
    .addHelpText(
      'after',
      '\nIt ends with 1 where something would break.\n\nExample:\n  muster graphs check book.yaml --traces 500',
    )
    .action(action(check));
  graphs
    .command('migrate')
    .description('move parked tasks to another version; one that would break keeps its own')
    .argument('<graph>', 'its name', shortText)
    .option('--to <version>', 'the number of the version (default: the active one)', versionNumber)
    .option('--task <task>', 'one task alone', taskId)
    .option('--dry-run', 'say what would happen, and move nothing')
    .option(...TENANT)
    .addHelpText('after', '\nExample:\n  muster graphs migrate book --dry-run')
    .action(action(migrate));
}

interface MigrateOptions extends TenantOptions {
  readonly to?: number;
  readonly task?: string;
  readonly dryRun?: boolean;
}

async function migrate(graph: string, options: MigrateOptions): Promise<void> {
  const { to, task, dryRun } = options;
  const report = await withMuster(options, (muster) =>
    muster.call('graphs.migrate', { graph, ...given({ to, task, dryRun }) }),
  );
  new Output(options).result(report, (colors) => migrationText(report, colors));
}

const OUTCOMES = { movable: 'can be moved', moved: 'was moved', moving: 'moves once nothing of it runs' } as const;

function migrationText({ graph, version, tasks }: MigrationReport, colors: Colors): string {
  if (tasks.length === 0) return `No parked task has another version than ${graph}@${version}.`;
  const rows = tasks.map(({ taskId: id, outcome, breaks }) => {
    if (outcome !== 'refused') return `task ${id} ${OUTCOMES[outcome]}`;
    const place = breaks === null || breaks.path === null ? '' : ` at ${breaks.path}`;
    return `${colors.red(`task ${id} keeps its version${place}`)}: ${plain(breaks?.message ?? '')}`;
  });
  return [`${colors.bold(`${graph}@${version}`)}:`, ...rows].join('\n');
}

async function check(version: string, options: CheckOptions): Promise<void> {
  const input = { ...(await referenceOf(version)), ...given({ traces: options.traces }) };
  const { graphs } = await withMuster(options, (muster) => muster.call('graphs.check', input));
  new Output(options).result(graphs, (colors) => graphs.map((graph) => checkText(graph, colors)).join('\n\n'));
  if (graphs.some(({ breaks }) => breaks.length > 0)) process.exitCode = 1;
}

function checkText(
  { graph, version, against, tasks, traces, breaks, unproven }: CheckedVersion,
  colors: Colors,
): string {
  const name = version === null ? graph : `${graph}@${version}`;
  const from = against === null ? '' : ` of ${graph}@${against}`;
  const head = `${colors.bold(name)}: ${tasks} parked tasks and ${traces} traces${from} were tried.`;
  const rows = breaks.map(({ taskId, kind, path, message }) => {
    const place = path === null ? '' : ` at ${path}`;
    return `${colors.red(`${kind} ${taskId}${place}`)}: ${plain(message)}`;
  });
  const verdict = breaks.length === 0 ? colors.green('Nothing would break.') : `${breaks.length} would break:`;
  const left =
    unproven.length === 0
      ? []
      : [colors.yellow(`Not proved, because nothing of them is recorded: ${unproven.join(', ')}.`)];
  return [head, verdict, ...rows, ...left].join('\n');
}
