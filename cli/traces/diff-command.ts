import type { Command } from 'commander';
import type { TraceDiff } from '../../client.ts';
import { moneyText } from '../../domain/budgets/amounts.ts';
import { isUuid } from '../../domain/ids.ts';
import { WrongUsage } from '../cli-errors.ts';
import { taskId, tenantName } from '../input/option-values.ts';
import { type Column, formatTable, shorten } from '../output/formatting.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, type TenantOptions, withMuster } from '../session.ts';

export function addDiffCommand(program: Command): void {
  program
    .command('diff')
    .description('show where two traces part: two of a task, or those of two tasks')
    .argument('<task>', "the task's id", taskId)
    .argument('<a>', 'the number of a trace, or the id of the other task')
    .argument('[b]', 'the number of the other trace')
    .option('--all', 'also the runs that came to the same')
    .option('--tenant <tenant>', 'their tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', EXAMPLES)
    .action(action(diff));
}

const EXAMPLES = `
Examples:
  muster diff 019ab3c4-5d6e-7f80-9123-456789abcdef 1 2
  muster diff 019ab3c4-5d6e-7f80-9123-456789abcdef 019ab3c4-6e7f-7a01-8b23-456789abcdef`;

async function diff(id: string, a: string, b: string | undefined, options: TenantOptions & { readonly all?: boolean }) {
  const found = await withMuster(options, (muster) => muster.diff({ id, ...tracesOf(a, b) }));
  new Output(options).result(found, (colors) => describe(found, colors, options.all === true));
}

/** @throws WrongUsage */
function tracesOf(a: string, b: string | undefined) {
  if (b === undefined && isUuid(a)) return { otherId: a };
  const [trace, otherTrace] = [Number(a), Number(b)];
  if (Number.isInteger(trace) && Number.isInteger(otherTrace)) return { trace, otherTrace };
  throw new WrongUsage('Name two traces of the task by their numbers, or the id of another task.');
}

type Shown = TraceDiff['runs'][number];

function describe({ one, other, first, runs }: TraceDiff, colors: Colors, all: boolean): string {
  const shown = all ? runs : runs.filter(({ same }) => !same);
  const name = ({ taskId: id, trace, status }: TraceDiff['one']) => `${id} trace ${trace} (${status})`;
  const head = [`a  ${name(one)}`, `b  ${name(other)}`];
  const part = first === null ? 'All runs came to the same.' : `They part at ${colors.bold(first)}.`;
  const columns: Column<Shown>[] = [
    { title: 'run', of: ({ path }) => path },
    { title: 'a', of: (run) => endText(run.one) },
    { title: 'b', of: (run) => endText(run.other) },
    { title: 'tokens', of: (run) => pairText(run, (side) => String(side.tokens)), align: 'right' },
    { title: 'money', of: (run) => pairText(run, (side) => moneyText(side.costMicros)), align: 'right' },
    { title: 'ms', of: (run) => pairText(run, (side) => String(side.ms ?? '-')), align: 'right' },
    { title: 'output', of: outputText },
  ];
  return [...head, part, ...(shown.length === 0 ? [] : [formatTable(shown, columns, colors)])].join('\n');
}

function endText(side: Shown['one']): string {
  if (side === null) return '-';
  const how = side.outcome ?? side.error ?? '';
  return `${side.status}${how === '' ? '' : ` ${how}`}${side.takenOver ? ', taken over' : ''}`;
}

function pairText({ one, other }: Shown, textOf: (side: NonNullable<Shown['one']>) => string): string {
  const [a, b] = [one, other].map((side) => (side === null ? '-' : textOf(side)));
  return a === b ? String(a) : `${a} → ${b}`;
}

/** How much of a value is shown. Characters. */
const MOST_SHOWN = 40;

function outputText({ output }: Shown): string {
  if (output === null) return '';
  const text = (value: unknown) => shorten(value === undefined ? 'nothing' : JSON.stringify(value), MOST_SHOWN);
  return `${output.pointer === '' ? 'all' : output.pointer}: ${text(output.recorded)} → ${text(output.derived)}`;
}
