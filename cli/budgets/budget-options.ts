import { type Command, InvalidArgumentError } from 'commander';
import {
  MOST_AMOUNT,
  MOST_MINUTES,
  readCount,
  readMoney,
  type TaskBudgetOptions,
  WHEN_EXHAUSTED,
} from '../../domain/budgets/amounts.ts';
import { oneOf, wholeNumber } from '../input/option-values.ts';
import { given } from '../session.ts';

/** The options of commands that say how much may be spent. */

function amount(read: (text: string) => number | null, expected: string) {
  return (text: string): string => {
    if (read(text) !== null) return text;
    throw new InvalidArgumentError(`Expected ${expected}.`);
  };
}

const count = wholeNumber({ min: 0, max: MOST_AMOUNT });

export function addBudgetOptions(command: Command): Command {
  return command
    .option('--tokens <count>', 'tokens that it may use, like 100k', amount(readCount, 'a count like 100000 or 100k'))
    .option('--money <amount>', 'money that it may cost, like 2.50', amount(readMoney, 'an amount like 2.50'))
    .option('--steps <count>', 'model calls that it may make', count)
    .option('--minutes <count>', 'wall time from its first model call', wholeNumber({ min: 0, max: MOST_MINUTES }))
    .option('--depth <levels>', 'levels of tasks that may be spawned below it', count)
    .option('--fan-out <count>', 'tasks that may be spawned below it in all', count);
}

/** What becomes of runs that find no room. */
export const WHEN_EXHAUSTED_OPTION = [
  '--when-exhausted <what>',
  'what a run does that finds no room: end (default) or wait',
  oneOf(WHEN_EXHAUSTED),
] as const;

/** The budget that these options mean; undefined where none is given. */
export function budgetOf(options: TaskBudgetOptions): TaskBudgetOptions | undefined {
  const { tokens, money, steps, minutes, depth, fanOut, whenExhausted } = options;
  const budget = given({ tokens, money, steps, minutes, depth, fanOut, whenExhausted });
  return Object.keys(budget).length === 0 ? undefined : budget;
}
