import assert from 'node:assert/strict';
import { gcra } from '../../domain/limits/rate-limit.ts';
import type { Muster } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

describe('another tenant', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;
  let ours: Muster;
  let theirs: Muster;

  before(async () => {
    muster = await openMuster('tenants');
    await muster.work({ graphs: [graphs.single, graphs.chain] });
    [ours, theirs] = await Promise.all([muster.connect({ tenant: 'ours' }), muster.connect({ tenant: 'theirs' })]);
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  it('S9: neither sees nor controls a task that is not its own', async () => {
    const gate = new Gate();
    script.on('work', gate.pass);
    const task = await ours.submit('single', {});
    await eventually(() => script.calls.length === 1);

    const foreign = theirs.task(task.id);
    const asks = [foreign.read, foreign.show, foreign.progress, foreign.result, foreign.pause, foreign.resume];
    for (const ask of [...asks, foreign.cancel, async () => foreign.events()[Symbol.asyncIterator]().next()]) {
      await assert.rejects(ask(), { code: 'task_unknown' });
    }
    const listed = await theirs.tasks();
    const queue = await theirs.queue();
    gate.open();
    const view = await ended(task);

    assert.deepEqual(listed, []);
    assert.equal(queue.running, 0);
    assert.equal(view.task.status, 'completed');
    assert.equal(script.calls[0]?.signal.aborted, false);
  });

  it('S9: has keys and users of its own', async () => {
    const options = { key: 'same', user: 'same' };

    const [one, other] = await Promise.all([ours.submit('single', {}, options), theirs.submit('single', {}, options)]);
    await Promise.all([one.result(), other.result()]);

    assert.notEqual(one.id, other.id);
    assert.deepEqual([one.duplicate, other.duplicate], [false, false]);
  });

  it('S9: has reservations of its own, and settles no other', async () => {
    const call = { provider: 'shared', tokens: 300 };
    await ours.limits.set('provider:shared/tokens', gcra({ limit: 1_000, perSeconds: 3_600 }));
    const left = async (client = ours) =>
      (await client.limits.status(call)).find(({ name }) => name.endsWith('/tokens'))?.remaining;
    for (const client of [ours, theirs])
      await eventually(async () => (await left(client)) === 1_000, { withinMs: 5_000 });
    const own = await ours.limits.reserve(call, { id: 'chat-1' });

    assert.equal(await theirs.limits.settle(own, 0), 'unknown');
    assert.equal(await left(), 700);
    await theirs.limits.reserve(call, { id: 'chat-1' });

    assert.equal(await left(), 400);
    assert.equal(await ours.limits.settle(own, 300), 'settled');
  });

  it('S9: does not see the graphs that a tenant published for itself', async () => {
    const name = 'private';
    await ours.publish([{ ...graphs.chain, definition: { ...graphs.chain.definition, name } }]);

    const listed = async (client: Muster) => (await client.graphs()).some((graph) => graph.name === name);

    assert.deepEqual([await listed(ours), await listed(theirs)], [true, false]);
    await assert.rejects(theirs.submit(name, {}), { code: 'graph_unknown' });
    assert.equal((await ended(await ours.submit(name, {}))).task.status, 'completed');
  });
});
