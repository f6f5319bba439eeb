import assert from 'node:assert/strict';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import { BudgetRepository } from '../../../entities/budgets/budget-repository.ts';
import { ClaimBed } from '../../dispatcher/claim-bed.ts';

describe('a call that waits for a budget', () => {
  let bed: ClaimBed;
  let execution: ExecutionRef;

  before(async () => {
    bed = await ClaimBed.open('budget-wake');
    const [task] = await bed.claim(await bed.insert());
    assert.ok(task);
    execution = task.execution;
  });
  after(() => bed?.close());

  it('wakes its task when there is room, unless its trace has ended', async () => {
    const { tenant, taskId, traceId } = execution;
    const row = `'${tenant}', '${traceId}/think/1/1', '${taskId}', '{}', 1, 1, 1, 'waiting', 'worker'`;
    await bed.asSuperuser(`insert into muster.budget_reservations
      (tenant_id, key, task_id, scopes, tokens, cost_micros, steps, state, process) values (${row})`);
    const wake = async () => {
      await bed.asSuperuser(`update muster.budget_reservations set looked_at = now() - interval '61 s'`);
      return bed.database.single.inSystem('dispatch', ({ em }) => new BudgetRepository(em).wake(10));
    };

    const running = await wake();
    await bed.asSuperuser(`update muster.agent_traces set status = 'failed', finished_at = now()`);
    const ended = await wake();

    assert.deepEqual([running, ended], [1, 0]);
  });
});
