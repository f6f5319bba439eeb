import { type Command, InvalidArgumentError } from 'commander';
import type { TaskBudgetOptions } from '../../domain/budgets/amounts.ts';
import { type BudgetScope, readBudgetScope } from '../../domain/budgets/scopes.ts';
import type { BudgetView } from '../../operations/budgets/view.ts';
import { WrongUsage } from '../cli-errors.ts';
import { tenantName, wholeNumber } from '../input/option-values.ts';
import { Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';
import { addBudgetOptions, budgetOf, WHEN_EXHAUSTED_OPTION } from './budget-options.ts';
import { formatBudgets } from './budget-text.ts';

interface ListOptions extends TenantOptions {
  readonly limit: number;
}

type AmountOptions = TenantOptions & TaskBudgetOptions;

/** `budgets`, `budgets set`, `budgets unset` and `budgets grant`. */
export function addBudgetsCommand(program: Command): void {
  const budgets = program
    .command('budgets')
    .description('show what may be spent, and what is spent and reserved of it')
    .argument('[scope]', 'one budget only: tenant, user:NAME, conversation:NAME, task:ID or task:ID/PATH', scopeOf)
    .option(...TENANT)
    .option(
      '--limit <count>',
      'at most so many budgets, those with waiting calls first',
      wholeNumber({ min: 1, max: 10_000 }),
      500,
    )
    .addHelpText('after', EXAMPLES)
    .action(action(show));
  addBudgetOptions(budgets.command('set').description('set what a scope may spend; other limits of it stay'))
    .argument('<scope>', 'tenant, user:NAME, conversation:NAME, or task:ID/PATH', scopeOf)
    .option(...TENANT)
    .option('--soft <percent>', 'from this share on, models come to their end (80)', wholeNumber({ min: 1, max: 100 }))
    .option(...WHEN_EXHAUSTED_OPTION)
    .action(action(set));
  budgets
    .command('unset')
    .description('remove the limits of a scope; what is spent stays counted')
    .argument('<scope>', 'the scope that it was set for', scopeOf)
    .option(...TENANT)
    .action(action(unset));
  addBudgetOptions(budgets.command('grant').description('give more to a budget; a task that waits for it continues'))
    .argument('<scope>', 'tenant, user:NAME, conversation:NAME, task:ID or task:ID/PATH', scopeOf)
    .option(...TENANT)
    .action(action(grant));
}

const TENANT = ['--tenant <tenant>', 'its tenant (default: MUSTER_TENANT, or default)', tenantName] as const;

const EXAMPLES = `
Examples:
  muster budgets set tenant --money 100 --tokens 20M
  muster budgets set user:ada --money 2.50 --soft 90
  muster budgets grant task:0190a000-0000-7000-8000-000000000001 --steps 10
  muster budgets unset user:ada`;

function scopeOf(text: string): BudgetScope {
  // It has the form that the type says.
  if (readBudgetScope(text) !== null) return text as BudgetScope;
  throw new InvalidArgumentError('Expected tenant, user:NAME, conversation:NAME, task:ID or task:ID/PATH.');
}

async function show(scope: BudgetScope | undefined, options: ListOptions): Promise<void> {
  const { limit } = options;
  const budgets = await withMuster(options, (muster) => muster.operations.budgets.view(given({ scope, limit })));
  const none = 'There is no budget. `muster budgets set tenant --money 100` sets one.';
  const more = budgets.length === limit ? `\nThese are ${limit}, and there may be more: give a scope or --limit.` : '';
  new Output(options).result(budgets, (colors) =>
    budgets.length === 0 ? none : formatBudgets(budgets, colors) + more,
  );
}

async function set(scope: BudgetScope, options: AmountOptions & { readonly soft?: number }): Promise<void> {
  const input = { scope, ...amountsOf(options), ...given({ soft: options.soft }) };
  report(options, await withMuster(options, (muster) => muster.operations.budgets.set(input)));
}

async function unset(scope: BudgetScope, options: TenantOptions): Promise<void> {
  const { removed } = await withMuster(options, (muster) => muster.operations.budgets.unset({ scope }));
  const text = removed ? `${scope} has no budget any more.` : `${scope} had no budget.`;
  new Output(options).result({ scope, removed }, () => text);
}

async function grant(scope: BudgetScope, options: AmountOptions): Promise<void> {
  const input = { scope, ...amountsOf(options) };
  report(options, await withMuster(options, (muster) => muster.operations.budgets.grant(input)));
}

/** @throws WrongUsage where none is given: what is said of a limit says nothing without one */
function amountsOf(options: AmountOptions): TaskBudgetOptions {
  const budget = budgetOf(options);
  const { whenExhausted: _, ...amounts } = budget ?? {};
  if (budget !== undefined && Object.keys(amounts).length > 0) return budget;
  throw new WrongUsage('Say how much: --tokens, --money, --steps, --minutes, --depth or --fan-out.');
}

function report(options: TenantOptions, budget: BudgetView): void {
  new Output(options).result(budget, (colors) => formatBudgets([budget], colors));
}
