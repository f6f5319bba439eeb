import assert from 'node:assert/strict';
import type { BudgetView } from '../../operations/budgets/view.ts';
import { CliUnderTest } from '../cli/cli-under-test.ts';

describe('the command line, to those who pay', function () {
  this.timeout(240_000);
  let cli: CliUnderTest;

  before(async () => {
    cli = await CliUnderTest.open('cli budgets');
  });
  after(() => cli?.close());

  it('sets, shows, grants and removes budgets', async () => {
    const none = await cli.run(['budgets']);
    await cli.ask(['budgets', 'set', 'user:ada', '--money', '2.50', '--tokens', '100k', '--soft', '90']);
    const granted = await cli.ask<BudgetView>(['budgets', 'grant', 'user:ada', '--money', '1.25']);
    const table = await cli.run(['budgets']);
    const unset = await cli.run(['budgets', 'unset', 'user:ada']);

    assert.match(none.stdout, /^There is no budget\./);
    assert.deepEqual(
      granted.limits.map(({ what, limit }) => [what, limit]),
      [
        ['tokens', 100_000],
        ['money', 3_750_000],
      ],
    );
    assert.match(table.stdout, /^budget of +what +limit +spent +reserved +left/m);
    assert.match(table.stdout, /^user:ada +money +3\.75 +0\.00 +0\.00 +3\.75/m);
    assert.match(unset.stdout, /^user:ada has no budget any more\.$/m);
  });

  it('shows the budget that a task was submitted with', async () => {
    const task = await cli.submit('channel-digest', '--param', 'text=ann: hi', '--money', '0.5', '--steps', '3');

    const shown = await cli.run(['show', task.taskId]);

    assert.match(shown.stdout, /^budget +money 0\.00 of 0\.50, steps 0 of 3$/m);
  });

  it('refuses an amount or a scope that is none', async () => {
    const money = ['budgets', 'set', 'user:ada', '--money', 'much'];

    await cli.fails(money, /"much" cannot be the value of --money\. Expected an amount like 2\.50\./, 2);
    await cli.fails(['budgets', 'grant', 'graph:x', '--steps', '1'], /"graph:x" cannot be the argument scope\./, 2);
    await cli.fails(['budgets', 'grant', 'user:nobody', '--steps', '1'], /^muster: user:nobody has no budget\./);
  });
});
