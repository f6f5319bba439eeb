import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { BudgetAsk } from '../../../domain/budgets/amounts.ts';
import { added, type BudgetExcess, NOTHING } from '../../../domain/budgets/budget-state.ts';
import { type BudgetScope, TENANT_SCOPE, taskScope, userScope } from '../../../domain/budgets/scopes.ts';
import type { TaskId } from '../../../domain/ids.ts';
import { BudgetRepository } from '../../../entities/budgets/budget-repository.ts';
import { AgentsUnderTest } from '../../support/agents.ts';
import { sharedStack } from '../../support/stack.ts';
import { BudgetBed, TENANT } from './budget-bed.ts';

/** By the only budget above the call. */
const refusedBy = (excess: BudgetExcess) => {
  return { ok: false, whenExhausted: 'end', scopes: [excess.scope], ...excess };
};
const ask = (tokens: number): BudgetAsk => ({ tokens, costMicros: 10 * tokens, steps: 1 });

describe('budget reservations', () => {
  let agents: AgentsUnderTest;
  let bed: BudgetBed;

  before(async () => {
    agents = await AgentsUnderTest.open(await sharedStack(), 'budget-reservations');
    bed = new BudgetBed(agents.database);
  });
  after(() => agents?.close());
  beforeEach(() => agents.asSuperuser('truncate muster.budgets, muster.budget_reservations'));

  const sums = (scope: BudgetScope) =>
    agents.rows(`select tokens_spent::int as spent, tokens_reserved::int as reserved, money_spent::int as money,
      steps_spent::int as steps, steps_reserved::int as held from muster.budgets where scope = '${scope}'`);
  const aTask = () => taskScope(randomUUID() as TaskId);

  it('count in every budget above the call, and are refused by the first that is full', async () => {
    const task = aTask();
    await bed.limit(TENANT_SCOPE, { tokens: 1_000 });
    await bed.limit(userScope('ada'), { tokens: 100 });
    await bed.limit(task, { money: 5_000 });
    const scopes = [TENANT_SCOPE, userScope('ada'), task];

    const first = await bed.reserve({ key: 'one', scopes, ask: ask(90) });
    const second = await bed.reserve({ key: 'two', scopes, ask: ask(11) });

    assert.deepEqual(first, { ok: true, soft: false, reserved: true });
    assert.deepEqual(second, {
      ...{ ok: false, scope: 'user:ada', what: 'tokens', limit: 100, used: 90, asked: 11 },
      ...{ whenExhausted: 'end', scopes },
    });
    for (const scope of scopes) {
      assert.deepEqual(await sums(scope), [{ spent: 0, reserved: 90, money: 0, steps: 0, held: 1 }], scope);
    }
  });

  it('write nothing where no budget is above the call', async () => {
    assert.deepEqual(await bed.reserve({ key: 'free', scopes: [TENANT_SCOPE, aTask()], ask: ask(5) }), {
      ...{ ok: true, soft: false, reserved: false },
    });
    assert.deepEqual(await agents.rows('select key from muster.budget_reservations'), []);
  });

  it('are taken once however often they are asked for, and settled once', async () => {
    await bed.limit(TENANT_SCOPE, { tokens: 100 });
    const request = { key: 'one', scopes: [TENANT_SCOPE], ask: ask(60) };

    const answers = [await bed.reserve(request), await bed.reserve(request)];
    for (const tokens of [40, 55]) await bed.settle('one', ask(tokens));
    await bed.release('one');

    assert.deepEqual(
      answers.map(({ ok }) => ok),
      [true, true],
    );
    assert.deepEqual(await sums(TENANT_SCOPE), [{ spent: 40, reserved: 0, money: 400, steps: 1, held: 0 }]);
  });

  it('charge what a call cost, also where the estimate was too low', async () => {
    await bed.limit(TENANT_SCOPE, { tokens: 100 });
    await bed.reserve({ key: 'one', scopes: [TENANT_SCOPE], ask: ask(60) });

    await bed.settle('one', ask(130));
    const next = await bed.reserve({ key: 'two', scopes: [TENANT_SCOPE], ask: NOTHING });

    assert.deepEqual(next, refusedBy({ scope: TENANT_SCOPE, what: 'tokens', limit: 100, used: 130, asked: 0 }));
  });

  it('return when they are released, and may be taken again under the same key', async () => {
    await bed.limit(TENANT_SCOPE, { tokens: 100 });
    const request = { key: 'one', scopes: [TENANT_SCOPE], ask: ask(100) };
    await bed.reserve(request);

    await bed.release('one');
    await bed.release('one');
    const again = await bed.reserve(request);

    assert.equal(again.ok, true);
    assert.deepEqual(await sums(TENANT_SCOPE), [{ spent: 0, reserved: 100, money: 0, steps: 0, held: 1 }]);
  });

  it('of a spawned task count in the budgets of the tasks above it', async () => {
    const [parent, child] = [aTask(), aTask()];
    await bed.limit(parent, { steps: 1 });
    await bed.limit(child, {}, { parents: [parent] });

    const answers = [
      await bed.reserve({ key: 'one', scopes: [TENANT_SCOPE, child], ask: ask(1) }),
      await bed.reserve({ key: 'two', scopes: [TENANT_SCOPE, child], ask: ask(1) }),
    ];

    assert.deepEqual(answers[1], refusedBy({ scope: parent, what: 'steps', limit: 1, used: 1, asked: 1 }));
  });

  it('are refused when the time of a budget is over, which counts from the first of them', async () => {
    await bed.limit(TENANT_SCOPE, { time: 60_000 });
    const request = { scopes: [TENANT_SCOPE], ask: ask(1) };
    await bed.reserve({ key: 'one', ...request });
    await agents.asSuperuser(`update muster.budgets set begun_at = begun_at - interval '50 s'`);
    const second = await bed.reserve({ key: 'two', ...request });
    await agents.asSuperuser(`update muster.budgets set begun_at = begun_at - interval '11 s'`);

    const third = await bed.reserve({ key: 'three', ...request });

    assert.deepEqual(second, { ok: true, soft: true, reserved: true });
    assert.equal(!third.ok && third.what, 'time');
  });

  it('of calls under way can still be settled after the limits above them were removed and set again', async () => {
    await bed.limit(TENANT_SCOPE, { tokens: 1_000 });
    await bed.reserve({ key: 'one', scopes: [TENANT_SCOPE], ask: ask(900) });
    await bed.begin('one');

    const cleared = [await bed.clear(TENANT_SCOPE), await bed.clear(TENANT_SCOPE)];
    const unlimited = await bed.reserve({ key: 'free', scopes: [TENANT_SCOPE], ask: ask(5_000) });
    await bed.setLimits(TENANT_SCOPE, { tokens: 1_000 });
    await bed.settle('one', ask(800));
    const next = await bed.reserve({ key: 'two', scopes: [TENANT_SCOPE], ask: ask(201) });

    assert.deepEqual(cleared, [true, false]);
    assert.deepEqual(unlimited, { ok: true, soft: false, reserved: false });
    assert.deepEqual(await sums(TENANT_SCOPE), [{ spent: 800, reserved: 0, money: 8_000, steps: 1, held: 0 }]);
    assert.deepEqual(next, refusedBy({ scope: TENANT_SCOPE, what: 'tokens', limit: 1_000, used: 800, asked: 201 }));
  });

  it('never bring what a budget has spent below zero', async () => {
    await bed.limit(TENANT_SCOPE, { tokens: 100 });

    const taken = agents.asSuperuser('update muster.budgets set tokens_reserved = -1');

    await assert.rejects(taken, /budgets_tokens_reserved_check/);
  });

  it('of a dead process return, except for those of calls that may have been made', async () => {
    await bed.limit(TENANT_SCOPE, { tokens: 1_000 });
    const living = await agents.process('living', ['one']);
    await agents.process('dead', ['two']);
    const scopes = [TENANT_SCOPE];
    await bed.reserve({ key: 'held', scopes, ask: ask(100), process: 'dead' });
    await bed.reserve({ key: 'begun', scopes, ask: ask(200), process: 'dead' });
    await bed.begin('begun', 'dead');
    await bed.reserve({ key: 'begins', scopes, ask: ask(300), process: 'dead' });
    await bed.reserve({ key: 'living', scopes, ask: ask(400), process: 'living' });
    await bed.begin('begins', 'dead');
    await agents.asSuperuser(`update muster.budget_reservations set created_at = created_at - interval '50 s'`);
    await agents.silence('dead', 50);

    const end = () => agents.database.single.inSystem('dispatch', ({ em }) => new BudgetRepository(em).endDead(100));
    const counts = [await end(), await end()];
    const begins = await bed.begin('held', 'dead');
    const after = await sums(TENANT_SCOPE);
    await bed.settle('begins', ask(30));
    await living.close();

    assert.deepEqual(counts, [3, 0]);
    assert.equal(begins, false, 'what returned is not reserved any more');
    assert.deepEqual(after, [{ spent: 500, reserved: 400, money: 5_000, steps: 2, held: 1 }]);
    assert.deepEqual((await sums(TENANT_SCOPE))[0], { spent: 230, reserved: 400, money: 2_300, steps: 2, held: 1 });
  });

  it('do not exceed a limit when many are asked for at once', async () => {
    const scopes = [TENANT_SCOPE, userScope('ada'), userScope('bob')];
    await bed.limit(TENANT_SCOPE, { tokens: 500 });
    await bed.limit(userScope('ada'), { tokens: 300 });
    await bed.limit(userScope('bob'), { tokens: 300 });

    const asked = Array.from({ length: 100 }, (_, at) => {
      const own = [TENANT_SCOPE, scopes[1 + (at % 2)] ?? TENANT_SCOPE];
      return bed.reserve({ key: `call ${at}`, scopes: at % 3 === 0 ? own.toReversed() : own, ask: ask(10) });
    });
    const taken = (await Promise.all(asked)).filter(({ ok }) => ok);

    assert.equal(taken.length, 50);
    assert.deepEqual(
      (await Promise.all(scopes.map(sums))).flat().map((row) => (row as { reserved: number }).reserved <= 300 || row),
      [{ spent: 0, reserved: 500, money: 0, steps: 0, held: 50 }, true, true],
    );
  });

  it('of one moment share a statement, in which one that is refused keeps no other out', async () => {
    await bed.limit(TENANT_SCOPE, { tokens: 100 });
    await bed.limit(userScope('bob'), { tokens: 5 });
    const asked = (key: string, tokens: number, ...more: BudgetScope[]) =>
      bed.reserve({ key, scopes: [TENANT_SCOPE, ...more], ask: ask(tokens) });

    const answers = await Promise.all([
      ...[asked('one', 60), asked('too much', 60), asked('two', 30), asked('two', 30)],
      ...[asked('of bob', 6, userScope('bob')), asked('three', 10)],
    ]);

    assert.deepEqual(
      answers.map((answer) => (answer.ok ? answer.reserved : answer.scope)),
      [true, TENANT_SCOPE, true, true, userScope('bob'), true],
    );
    assert.deepEqual(await sums(TENANT_SCOPE), [{ spent: 0, reserved: 100, money: 0, steps: 0, held: 3 }]);
  });

  it('that are released and settled in one moment are settled, once', async () => {
    await bed.limit(TENANT_SCOPE, { tokens: 100 });
    await bed.reserve({ key: 'one', scopes: [TENANT_SCOPE], ask: ask(60) });

    await Promise.all([bed.release('one'), bed.settle('one', ask(40)), bed.settle('one', ask(50))]);

    assert.deepEqual(await sums(TENANT_SCOPE), [{ spent: 40, reserved: 0, money: 400, steps: 1, held: 0 }]);
  });

  it('that wait hold nothing, and may be taken when there is room', async () => {
    await bed.limit(TENANT_SCOPE, { tokens: 100 });
    await bed.reserve({ key: 'other', scopes: [TENANT_SCOPE], ask: ask(100) });
    const request = { key: 'one', scopes: [TENANT_SCOPE], ask: ask(60) };

    const wait = () => bed.spender.wait({ tenant: TENANT, process: 'worker', ...request }, [TENANT_SCOPE]);
    await wait();
    await wait();
    const begun = await bed.begin('one');
    await bed.release('other');
    const taken = await bed.reserve(request);
    await wait();

    assert.equal(begun, false);
    assert.equal(taken.ok, true);
    assert.deepEqual(await sums(TENANT_SCOPE), [{ spent: 0, reserved: 60, money: 0, steps: 0, held: 1 }]);
  });

  it('keep the sums of a budget equal to those of its rows, whatever happens in whatever order', async function () {
    this.timeout(120_000);
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      does: fc.constantFrom('reserve', 'reserve', 'begin', 'settle', 'release', 'die', 'unset'),
      tokens: fc.integer({ min: 0, max: 60 }),
    });

    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 16 }), async (steps) => {
        await agents.asSuperuser('truncate muster.budgets, muster.budget_reservations');
        await bed.limit(TENANT_SCOPE, { tokens: 100 });
        for (const { key, does, tokens } of steps) {
          if (does === 'reserve') await bed.reserve({ key, scopes: [TENANT_SCOPE], ask: ask(tokens) });
          else if (does === 'settle') await bed.settle(key, ask(tokens));
          else if (does === 'begin') await bed.begin(key);
          else if (does === 'die') await endAll();
          else if (does === 'unset') await setAnew();
          else await bed.release(key);
        }
        await assertSums();
      }),
      { numRuns: 20 },
    );
  });

  /** Ends what is open, as for a process that died. */
  async function endAll(): Promise<void> {
    await agents.asSuperuser(`update muster.budget_reservations set created_at = created_at - interval '50 s'`);
    await agents.database.single.inSystem('dispatch', ({ em }) => new BudgetRepository(em).endDead(100));
  }

  async function setAnew(): Promise<void> {
    await bed.clear(TENANT_SCOPE);
    await bed.setLimits(TENANT_SCOPE, { tokens: 100 });
  }

  /** What the rows of reservations come to must be what their budget says. */
  async function assertSums(): Promise<void> {
    const rows = await agents.rows<BudgetAsk & { state: string }>(
      `select state, tokens::int, cost_micros::int as "costMicros", steps::int from muster.budget_reservations`,
    );
    const sumOf = (...states: string[]) =>
      rows
        .filter(({ state }) => states.includes(state))
        .map(({ tokens, costMicros, steps }) => ({ tokens, costMicros, steps }))
        .reduce(added, NOTHING);
    const [held, spent] = [sumOf('held', 'begun'), sumOf('settled', 'in_doubt')];
    assert.deepEqual(await sums(TENANT_SCOPE), [
      { spent: spent.tokens, reserved: held.tokens, money: spent.costMicros, steps: spent.steps, held: held.steps },
    ]);
  }
});
