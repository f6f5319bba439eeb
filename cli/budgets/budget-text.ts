import { amountText } from '../../domain/budgets/amounts.ts';
import type { BudgetLimitView, BudgetView } from '../../operations/budgets/view.ts';
import { type Column, formatTable, plain } from '../output/formatting.ts';
import type { Colors } from '../output/output.ts';

const NAMES: Readonly<Record<BudgetLimitView['what'], string>> = {
  ...{ tokens: 'tokens', money: 'money', steps: 'steps', time: 'time', depth: 'depth', fan_out: 'fan-out' },
};

/** Budgets as a table: a line for each limit. */
export function formatBudgets(budgets: readonly BudgetView[], colors: Colors): string {
  const lines = budgets.flatMap(({ limits, scope, waiting }) => limits.map((limit) => ({ ...limit, scope, waiting })));
  const text = ({ what }: BudgetLimitView, amount: number) => amountText(what, amount);
  const columns: Column<(typeof lines)[number]>[] = [
    { title: 'budget of', of: ({ scope }) => plain(scope) },
    { title: 'what', of: ({ what }) => NAMES[what] },
    { title: 'limit', of: (line) => text(line, line.limit), align: 'right' },
    { title: 'spent', of: (line) => text(line, line.spent), align: 'right' },
    { title: 'reserved', of: (line) => text(line, line.reserved), align: 'right' },
    { title: 'left', of: (line) => text(line, line.left), align: 'right' },
    { title: '', of: (line) => noteOf(line), paint: colors.yellow },
  ];
  return formatTable(lines, columns, colors);
}

function noteOf({ what, left, soft, waiting }: BudgetLimitView & Pick<BudgetView, 'waiting'>): string {
  if (what === 'depth') return '';
  const waits = waiting === 0 || what === 'fan_out' ? [] : [`${waiting} waiting`];
  return [...(left <= 0 ? ['exhausted'] : soft ? ['near its end'] : []), ...waits].join(', ');
}

/** A task's budget on one line. */
export function budgetLine({ limits, soft }: BudgetView, colors: Colors): string {
  const parts = limits.map(({ what, limit, spent, reserved }) => {
    if (what === 'depth') return `depth ${limit}`;
    return `${NAMES[what]} ${amountText(what, spent + reserved)} of ${amountText(what, limit)}`;
  });
  return parts.join(', ') + (soft ? colors.yellow(', near its end') : '');
}
