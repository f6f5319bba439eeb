import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineGraph, hasErrorCode, type Muster, operation } from '../../index.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const NOTHING = z.object({});
const graph = defineGraph({
  name: 'budgeted',
  input: NOTHING,
  nodes: { look: { tool: operation('graphs.list'), input: {} } },
  output: {},
});
const is = (code: string) => (error: unknown) => hasErrorCode(error) && error.code === code;

describe('operations on budgets', function () {
  this.timeout(180_000);
  let muster: MusterUnderTest;
  let client: Muster;

  before(async () => {
    muster = await openMuster('operations on budgets');
    client = muster.client;
    await client.publish([graph]);
  });
  after(() => muster?.close());

  const rows = <Row>(statement: string) =>
    withPostgresql(muster.ownerUrl, async (server) => (await server.query(statement)).rows as Row[]);

  it('set limits one by one, show what is left, and remove them', async () => {
    await client.operations.budgets.set({ scope: 'user:ada', money: '2.50', soft: 90 });
    const set = await client.operations.budgets.set({ scope: 'user:ada', tokens: '100k' });

    const shown = await client.operations.budgets.view({ scope: 'user:ada' });
    const removed = await client.operations.budgets.unset({ scope: 'user:ada' });
    const again = await client.operations.budgets.unset({ scope: 'user:ada' });

    assert.deepEqual(shown, [set]);
    assert.deepEqual(set, {
      scope: 'user:ada',
      limits: [
        { what: 'tokens', limit: 100_000, spent: 0, reserved: 0, left: 100_000, soft: false },
        { what: 'money', limit: 2_500_000, spent: 0, reserved: 0, left: 2_500_000, soft: false },
      ],
      softPercent: 90,
      soft: false,
      whenExhausted: 'end',
      waiting: 0,
    });
    assert.deepEqual([removed, again], [{ removed: true }, { removed: false }]);
  });

  it('grant more, once under a key, with a row in the audit log', async () => {
    await client.operations.budgets.set({ scope: 'conversation:c', steps: 5 });

    const grant = () => client.call('budgets.grant', { scope: 'conversation:c', steps: 3 }, { key: 'grant-1' });
    const answers = [await grant(), await grant()];

    assert.deepEqual(
      answers.map(({ limits }) => limits[0]?.limit),
      [8, 8],
    );
    const audited = await rows<{ details: unknown }>(
      `select details from muster.audit_log where action = 'budget.granted' and subject_id = 'conversation:c'`,
    );
    assert.deepEqual(audited, [{ details: { steps: 3 } }]);
  });

  it('refuse a grant to what has no limit, and a change of a budget that comes with its submit', async () => {
    const { grant, set, unset } = client.operations.budgets;
    const task = await client.submit('budgeted', {}, { budget: { steps: 5 } });
    await client.operations.budgets.set({ scope: 'tenant', steps: 5 });

    await assert.rejects(grant({ scope: 'user:nobody', steps: 1 }), is('budget_unknown'));
    await assert.rejects(grant({ scope: 'tenant', tokens: 1 }), is('budget_unknown'));
    await assert.rejects(grant({ scope: 'tenant' }), is('option_invalid'));
    await assert.rejects(set({ scope: `task:${task.id}`, steps: 1 }), is('option_invalid'));
    await assert.rejects(unset({ scope: `task:${task.id}` }), is('option_invalid'));
    await assert.rejects(set({ scope: 'graph:x' as never, steps: 1 }), is('option_invalid'));
    await assert.rejects(set({ scope: `task:${crypto.randomUUID()}/part`, steps: 1 }), is('task_unknown'));
    await client.operations.budgets.unset({ scope: 'tenant' });
  });

  it('are listed with those first for which calls wait, and no more than asked for', async () => {
    for (const scope of ['tenant', 'user:one', 'user:two'] as const)
      await client.operations.budgets.set({ scope, steps: 1 });
    await rows(`insert into muster.budget_reservations
      (tenant_id, key, scopes, tokens, cost_micros, steps, state, process)
      values ('default', 'waits', '{user:one}', 1, 1, 1, 'waiting', 'nobody')`);

    const listed = await client.operations.budgets.view({ limit: 2 });
    await rows(`delete from muster.budget_reservations where key = 'waits'`);
    for (const scope of ['tenant', 'user:one', 'user:two'] as const) await client.operations.budgets.unset({ scope });

    assert.deepEqual(
      listed.map(({ scope, waiting }) => [scope, waiting]),
      [
        ['user:one', 1],
        ['tenant', 0],
      ],
    );
    await assert.rejects(client.operations.budgets.view({ limit: 0 }), is('option_invalid'));
  });

  it('give each tenant its own', async () => {
    const other = await muster.connect({ tenant: 'other' });
    await client.operations.budgets.set({ scope: 'tenant', steps: 5 });

    const theirs = await other.operations.budgets.view({});
    await client.operations.budgets.unset({ scope: 'tenant' });

    assert.deepEqual(theirs, []);
  });

  it('have the budget of a task from its submit, and of each of a batch', async () => {
    const one = await client.submit('budgeted', {}, { budget: { tokens: '1.5k', money: 0.25, minutes: 30, depth: 0 } });
    const many = await client.submitMany('budgeted', [{ input: {}, budget: { steps: 3 } }, { input: {} }]);

    const { budget } = await one.show();
    const budgets = await Promise.all(many.map(async (task) => (await task.show()).budget?.limits[0]?.limit ?? null));

    assert.deepEqual(
      budget?.limits.map(({ what, limit }) => [what, limit]),
      [
        ['tokens', 1_500],
        ['money', 250_000],
        ['time', 1_800_000],
        ['depth', 0],
      ],
    );
    assert.deepEqual(budgets, [3, null]);
    await assert.rejects(client.submit('budgeted', {}, { budget: { tokens: '1.5' } }), is('option_invalid'));
    await assert.rejects(client.submit('budgeted', {}, { budget: { euros: 1 } as never }), is('option_invalid'));
  });

  it('give the next task of a series the budget anew, and remove it with its task', async () => {
    await muster.work({ graphs: [graph] });
    const budget = { steps: 7, whenExhausted: 'wait' } as const;
    const first = await client.submit('budgeted', {}, { repeat: { every: 'daily' }, budget });
    const next = await eventually(
      async () => {
        const [found] = (await client.tasks({ status: 'deferred' })).filter((task) => task.predecessorId === first.id);
        assert.ok(found, 'the series has no next task');
        return found;
      },
      { withinMs: 60_000 },
    );

    const { budget: repeated } = await client.task(next.id).show();
    await rows(`delete from muster.tasks where id = '${next.id}'`);
    const left = await rows(`select scope from muster.budgets where task_id = '${next.id}'`);

    assert.deepEqual(repeated?.limits, [{ what: 'steps', limit: 7, spent: 0, reserved: 0, left: 7, soft: false }]);
    assert.equal(repeated?.whenExhausted, 'wait');
    assert.deepEqual(left, []);
  });
});
