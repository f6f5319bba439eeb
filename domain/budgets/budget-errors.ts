import { MusterError } from '../errors.ts';
import type { TaskId } from '../ids.ts';
import { amountText } from './amounts.ts';
import type { BudgetExcess } from './budget-state.ts';

/** A budget has no room for what was to be done. Nothing was done and nothing was charged; a grant makes room. */
export class BudgetExhausted extends MusterError {
  readonly code = 'budget_exhausted';
  /** @param ended the task whose run ends by it, if one does */
  constructor(excess: BudgetExcess, ended: TaskId | null = null) {
    const { scope, what, limit, used, asked } = excess;
    const again = ended === null ? '' : ` Then \`muster redrive ${ended}\` runs the task again.`;
    const grant = `muster budgets grant ${scopeText(scope)} ${grantOption(excess)}`;
    super(`The budget of ${scope} has no room: ${usedText(excess)}. \`${grant}\` makes room for it.${again}`, {
      ...{ scope, what, limit, used, asked },
    });
  }
}

/** How much of a limit is used, and what does not fit: "90 of 100 tokens are used, and this call may need up to 812". */
export function usedText({ what, limit, used, asked }: BudgetExcess): string {
  const text = `${amountText(what, used)} of ${amountText(what, limit)} ${NAMES[what]} are used`;
  if (what === 'time' || what === 'depth') return text;
  return `${text}, and this ${what === 'fan_out' ? 'submit needs' : 'call may need up to'} ${amountText(what, asked)}`;
}

/** What a grant has to add at least. How much time is needed nobody knows, and it is granted from now on. */
function grantOption({ what, limit, used, asked }: BudgetExcess): string {
  if (what === 'time') return '--minutes 10';
  return `--${what.replace('_', '-')} ${amountText(what, used + asked - limit)}`;
}

/** A scope as a shell reads it. */
function scopeText(scope: string): string {
  return /^[\w:/.@-]+$/.test(scope) ? scope : `'${scope.replaceAll("'", String.raw`'\''`)}'`;
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
