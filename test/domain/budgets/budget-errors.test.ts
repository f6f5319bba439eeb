import assert from 'node:assert/strict';
import { BudgetExhausted } from '../../../domain/budgets/budget-errors.ts';
import type { BudgetExcess } from '../../../domain/budgets/budget-state.ts';
import type { TaskId } from '../../../domain/ids.ts';

const TASK = '0190a000-0000-7000-8000-000000000001' as TaskId;
const TOKENS: BudgetExcess = { scope: `task:${TASK}`, what: 'tokens', limit: 10, used: 0, asked: 812 };

describe('a refusal by a budget', () => {
  it('says what was needed, and the commands that make room and run the task again', () => {
    const { message } = new BudgetExhausted(TOKENS, TASK);

    assert.equal(
      message,
      `The budget of task:${TASK} has no room: 0 of 10 tokens are used, and this call may need up to 812. ` +
        `\`muster budgets grant task:${TASK} --tokens 802\` makes room for it. Then \`muster redrive ${TASK}\` runs the task again.`,
    );
  });

  it('names an amount that is enough, of whatever was missing', () => {
    const command = (excess: Partial<BudgetExcess>) =>
      /`(muster budgets grant [^`]+)`/.exec(
        new BudgetExhausted({ ...TOKENS, scope: 'tenant', ...excess }).message,
      )?.[1];

    assert.deepEqual(
      [
        command({ what: 'money', limit: 2_500_000, used: 2_400_000, asked: 350_000 }),
        command({ what: 'time', limit: 60_000, used: 61_000, asked: 1 }),
        command({ what: 'depth', limit: 2, used: 2, asked: 1 }),
        command({ what: 'fan_out', limit: 3, used: 2, asked: 2 }),
        command({ scope: "user:Ada O'Neil", what: 'steps', limit: 1, used: 1, asked: 1 }),
      ],
      [
        'muster budgets grant tenant --money 0.25',
        'muster budgets grant tenant --minutes 10',
        'muster budgets grant tenant --depth 1',
        'muster budgets grant tenant --fan-out 1',
        String.raw`muster budgets grant 'user:Ada O'\''Neil' --steps 1`,
      ],
    );
  });
});
