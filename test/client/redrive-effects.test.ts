import assert from 'node:assert/strict';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

describe('a task that is redriven', () => {
  const script = new Script();
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('redrive-effects');
    await muster.work({ graphs: Object.values(scriptedGraphs(script)) });
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const submit = (graph: string) => muster.client.submit(graph, {});
  const query = (text: string, values: readonly unknown[]) => behindTheBack(muster, text, values);

  /** A task whose only node pays under a request of its own, and then fails until it is told not to. */
  const payer = (paid: string[]) => {
    const plan = { fails: true, amount: 5 };
    script.on('work', async ({ effect }) => {
      const { amount } = plan;
      const call = async (key: string) => ({ receipt: paid.push(key) });
      const receipt = await effect('pay', { request: { amount }, whenInDoubt: 'stop', call });
      if (plan.fails) throw new Error('after the payment');
      return receipt;
    });
    return plan;
  };

  it('does not repeat an effect that its failed traces have done, unless it is told to', async () => {
    const paid: string[] = [];
    const plan = payer(paid);
    const task = await submit('single');
    await ended(task);

    await muster.client.redrive(task.id);
    await ended(task);
    const keptOnce = paid.length;
    await muster.client.redrive(task.id, { effects: 'repeat' });
    await ended(task);
    const repeated = paid.length;
    plan.fails = false;
    await muster.client.redrive(task.id);
    const view = await ended(task);

    assert.deepEqual([keptOnce, repeated, paid.length], [1, 2, 2]);
    assert.equal(new Set(paid).size, 2);
    assert.deepEqual(view.output, { receipt: 2 });
    await assert.rejects(muster.client.redrive(task.id, { effects: 'all' as never }), { code: 'option_invalid' });
  });

  it('refuses an effect that its failed trace did with another request, until it is told to repeat it', async () => {
    const paid: string[] = [];
    const plan = payer(paid);
    const task = await submit('single');
    await ended(task);
    plan.amount = 6;
    plan.fails = false;

    await muster.client.redrive(task.id);
    const refused = await ended(task);
    await muster.client.redrive(task.id, { effects: 'repeat' });
    const done = await ended(task);

    assert.equal(refused.task.error?.code, 'effect_conflict');
    assert.deepEqual([paid.length, done.task.status, done.output], [2, 'completed', { receipt: 2 }]);
  });

  it('answers from what a person found out about an effect in doubt, and makes it no second time', async () => {
    const paid: string[] = [];
    const plan = payer(paid);
    const task = await submit('single');
    await ended(task);
    await query("update muster.activity_effects set state = 'pending', result = null where task_id = $1", [task.id]);
    plan.fails = false;
    const [effect = ''] = paid;
    const { settle } = muster.client.operations.effects;

    const settled = await settle({ effect, happened: true, result: { receipt: 9 } });
    await muster.client.redrive(task.id);
    const view = await ended(task);

    assert.deepEqual(settled, { effect, taskId: task.id, happened: true });
    assert.deepEqual([view.output, paid.length], [{ receipt: 9 }, 1]);
    await assert.rejects(settle({ effect, happened: false }), { code: 'effect_not_in_doubt' });
    const audited = await query("select actor, details from muster.audit_log where action = 'effect.settled'", []);
    assert.deepEqual(audited, [{ actor: 'client', details: { taskId: task.id, happened: true } }]);
  });

  it('continues with the time that its budget had left when it failed', async () => {
    const plan = { fails: true };
    script.on('work', async () => {
      if (plan.fails) throw new Error('not yet');
      return {};
    });
    const task = await muster.client.submit('single', {}, { budget: { minutes: 10 } });
    await ended(task);
    await query("update muster.budgets set begun_at = now() - interval '5 min' where task_id = $1", [task.id]);
    await query("update muster.tasks set completed_at = now() - interval '4 min' where id = $1", [task.id]);
    const spent = async () => (await task.show()).budget?.limits[0]?.spent ?? 0;

    const dead = await spent();
    plan.fails = false;
    await muster.client.redrive(task.id);
    await ended(task);
    const redriven = await spent();

    // Four minutes and what this test takes do not count.
    for (const time of [dead, redriven]) assert.ok(time >= 60_000 && time < 120_000, `${dead}, ${redriven}`);
  });

  it('is told nothing of an effect that is not in doubt, or not yet', async () => {
    const { settle } = muster.client.operations.effects;
    const running = Promise.withResolvers<string>();
    const gate = Promise.withResolvers<void>();
    script.on('work', ({ effect }) => {
      const call = async (key: string) => {
        running.resolve(key);
        await gate.promise;
        return { receipt: 1 };
      };
      return effect('pay', { request: null, whenInDoubt: 'stop', call });
    });
    const task = await submit('single');
    const effect = await running.promise;

    await assert.rejects(settle({ effect, happened: true }), /has not ended/);
    await assert.rejects(settle({ effect: 'nothing', happened: true }), { code: 'effect_not_in_doubt' });
    await assert.rejects(settle({ effect, happened: false, result: 1 }), { code: 'option_invalid' });
    gate.resolve();
    const view = await ended(task);

    assert.deepEqual(view.output, { receipt: 1 });
  });

  it('calls an effect again that was in doubt: the person who redrives it has looked', async () => {
    const paid: string[] = [];
    const plan = payer(paid);
    const task = await submit('single');
    await ended(task);
    await query("update muster.activity_effects set state = 'pending', result = null where task_id = $1", [task.id]);
    plan.fails = false;

    await muster.client.redrive(task.id);
    const view = await ended(task);

    assert.deepEqual([view.output, new Set(paid).size], [{ receipt: 2 }, 2]);
  });
});
