import { MusterError } from '../errors.ts';
import { amountText } from './amounts.ts';
import type { BudgetExcess } from './budget-state.ts';

/** A budget has no room for what was to be done. Nothing was done and nothing was charged; a grant makes room. */
export class BudgetExhausted extends MusterError {
  readonly code = 'budget_exhausted';
  constructor(excess: BudgetExcess) {
    const { scope, what, limit, used } = excess;
    super(`The budget of ${scope} has no room: ${usedText(excess)}. \`muster budgets grant ${scope}\` gives more.`, {
      ...{ scope, what, limit, used },
    });
  }
}

/** How much of a limit is used: "90 of 100 tokens are used". */
export function usedText({ what, limit, used }: BudgetExcess): string {
  return `${amountText(what, used)} of ${amountText(what, limit)} ${NAMES[what]} are used`;
}

const NAMES: Readonly<Record<BudgetExcess['what'], string>> = {
  tokens: 'tokens',
  money: 'money',
  steps: 'steps',
  time: 'time',
  depth: 'levels of tasks',
  fan_out: 'spawned tasks',
};

/** The scope has no budget, or none of the amount. Nothing was changed. */
export class BudgetUnknown extends MusterError {
  readonly code = 'budget_unknown';
  constructor(scope: string, what: string | null = null) {
    const missing = what === null ? 'has no budget' : `has no limit of ${what}`;
    super(`${scope} ${missing}. \`muster budgets\` lists the budgets that there are.`, { scope, what });
  }
}
