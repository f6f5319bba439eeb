import assert from 'node:assert/strict';
import fc from 'fast-check';
import { amountText, limitsOfOptions, moneyText, readCount, readMoney } from '../../../domain/budgets/amounts.ts';
import {
  budgetScopesOf,
  conversationScope,
  levelOfScope,
  readBudgetScope,
  subGraphScope,
  taskScope,
  userScope,
} from '../../../domain/budgets/scopes.ts';
import type { TaskId } from '../../../domain/ids.ts';

const TASK = '0190a000-0000-7000-8000-000000000001' as TaskId;

describe('amounts of a budget', () => {
  it('are read as people write them', () => {
    const counts = ['100k', '1.5M', '0.25k', 7, '12', '0', '1.2345k'].map(readCount);
    const money = ['2.50', 2.5, '0.000001', 3, '0', 0.1].map(readMoney);

    assert.deepEqual(counts, [100_000, 1_500_000, 250, 7, 12, 0, null]);
    assert.deepEqual(money, [2_500_000, 2_500_000, 1, 3_000_000, 0, 100_000]);
  });

  it('of money are written with as many decimals as matter, two at least', () => {
    const written = [2_500_000, 12_345, 12_300, 1, 0].map(moneyText);

    assert.deepEqual(written, ['2.50', '0.012345', '0.0123', '0.000001', '0.00']);
  });

  it('are refused where they are parts of a token, negative, or no number', () => {
    for (const wrong of ['', '1.5', '-1', '1e3', 'many', '1kk', -5, 0.5, Number.NaN, null, {}, '9999999999999M']) {
      assert.equal(readCount(wrong), null, String(wrong));
    }
    for (const wrong of ['', '-1', '1.1234567', '1,50', 1e-7, Number.POSITIVE_INFINITY, null]) {
      assert.equal(readMoney(wrong), null, String(wrong));
    }
  });

  it('of money survive being written and read again', () => {
    const micros = fc.integer({ min: 0, max: 999_999_000_000 });

    fc.assert(fc.property(micros, (given) => assert.equal(readMoney(amountText('money', given)), given)));
  });

  it('mean no limit where they are left out', () => {
    const limits = limitsOfOptions({ tokens: '100k', money: '2.50', minutes: 0.5, fanOut: 0 });

    const expected = { tokens: 100_000, money: 2_500_000, steps: null, time: 30_000, depth: null, fan_out: 0 };
    assert.deepEqual(limits, expected);
  });
});

describe('the scopes of a budget', () => {
  it('of a run are those around it, from the outermost', () => {
    const scopes = budgetScopesOf({ taskId: TASK, user: 'ada', conversation: 'c' }, 'each[3]/inner/draft');

    const inner = [taskScope(TASK), subGraphScope(TASK, 'each'), subGraphScope(TASK, 'each[3]/inner')];
    assert.deepEqual(scopes, ['tenant', userScope('ada'), conversationScope('c'), ...inner]);
    assert.equal(scopes.at(-1), `task:${TASK}/each[3]/inner`);
    assert.deepEqual(scopes.map(levelOfScope), [1, 2, 3, 4, 5, 5]);
    for (const scope of scopes) assert.notEqual(readBudgetScope(scope), null);
  });

  it('are refused in any other form', () => {
    for (const wrong of ['', 'tenant:acme', 'user:', 'task:7', `task:${TASK}/`, `task:${TASK}/A b`, 'graph:x']) {
      assert.equal(readBudgetScope(wrong), null, wrong);
    }
  });
});
