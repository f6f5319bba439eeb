import type { Command } from 'commander';
import type { CheckedVersion } from '../../operations/graphs/check.ts';
import { fileName, wholeNumber } from '../input/option-values.ts';
import { plain } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';
import { referenceOf } from './document-commands.ts';
import { TENANT } from './graph-names.ts';

interface CheckOptions extends TenantOptions {
  readonly traces?: number;
}

/** `graphs check`. */
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
