import { z } from 'zod';
import {
  type BudgetOptions,
  MOST_AMOUNT,
  MOST_MINUTES,
  readCount,
  readMoney,
  type TaskBudgetOptions,
  WHEN_EXHAUSTED,
} from '../../domain/budgets/amounts.ts';
import { type BudgetScope, readBudgetScope } from '../../domain/budgets/scopes.ts';
import { numberFrom, oneOf, textLike, wholeNumber } from '../../options/fields.ts';
import type { OptionFields } from '../../options/parse-options.ts';

/** How the fields of operations on budgets are read. */

const MOST_DEPTH = 1_000;
const MOST_FAN_OUT = 1_000_000;

function amount(expected: string, read: (given: unknown) => number | null): z.ZodType<number | string> {
  return z
    .custom<number | string>((given) => read(given) !== null, { error: expected })
    .meta({ type: ['number', 'string'], description: expected });
}

export const BUDGET_FIELDS: OptionFields<BudgetOptions> = {
  tokens: amount('a count such as 100000, "100k" or "1.5M"', readCount).optional(),
  money: amount('an amount such as 2.5 or "2.50", with at most six decimals', readMoney).optional(),
  steps: wholeNumber({ min: 0, max: MOST_AMOUNT }).optional(),
  minutes: numberFrom(0, MOST_MINUTES).optional(),
  depth: wholeNumber({ min: 0, max: MOST_DEPTH }).optional(),
  fanOut: wholeNumber({ min: 0, max: MOST_FAN_OUT }).optional(),
};

export const whenExhausted = oneOf(WHEN_EXHAUSTED).optional();

/** The budget of a task that is submitted. */
export const taskBudget = z.strictObject(
  { ...(BUDGET_FIELDS as z.ZodRawShape), whenExhausted },
  {
    error: 'an object of limits such as { tokens: "100k", money: 2.5 }',
  },
) as unknown as z.ZodType<TaskBudgetOptions>;

export const budgetScope: z.ZodType<BudgetScope> = textLike(
  'tenant, user:NAME, conversation:NAME, task:ID or task:ID/PATH',
  (text) => readBudgetScope(text) !== null,
);
