import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { askHealth } from '../support/health.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

describe('a worker that hosts none of a graph’s handlers', () => {
  const script = new Script();
  const { mixed, swift, chain } = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('hosting');
    await muster.work();
    await muster.work({ graphs: [mixed, swift, chain] });
  });
  after(() => muster?.close());

  it('keeps no task of it from completing', async () => {
    const names = ['chain', 'mixed', 'swift', 'chain'];
    const tasks = await Promise.all(names.map((name) => muster.client.submit(name, { urgent: true })));

    const views = await Promise.all(tasks.map(ended));

    assert.deepEqual(
      views.map((view) => view.task.status),
      names.map(() => 'completed'),
    );
    const runs = views.flatMap((view) => view.traces[0]?.runs ?? []);
    assert.equal(
      runs.every((run) => run.error === null || run.error.code === 'skipped'),
      true,
    );
  });
});

describe('a task that no worker can carry out', () => {
  const script = new Script();
  const { chain } = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('unhosted');
    await muster.client.publish([chain]);
  });
  after(() => muster?.close());

  it('says what it waits for, in its view, in the queue, in the log and in the health of the workers there', async () => {
    const task = await muster.client.submit('chain', {});
    const nobody = `a worker on the task queue "${muster.taskQueue}": none is alive there, \`muster worker --task-queue ${muster.taskQueue}\` starts one`;
    assert.equal((await task.show()).task.waitsFor, nobody);
    assert.deepEqual((await muster.client.queue()).unserved, [muster.taskQueue]);

    const told: unknown[] = [];
    const quiet = () => undefined;
    const log = { debug: quiet, info: quiet, error: quiet, warn: (facts: object) => void told.push(facts) };
    const { healthPort } = await muster.work({ log });

    const host = `a worker that hosts the agent "slow-step" on the task queue "${muster.taskQueue}"`;
    assert.equal((await task.show()).task.waitsFor, host);
    assert.deepEqual((await muster.client.queue()).unhosted, { tasks: 1, agents: ['slow-step'] });
    await eventually(() =>
      assert.deepEqual(
        told.filter((facts) => JSON.stringify(facts).includes('missing')),
        [{ tasks: 1, missing: ['agent:slow-step'] }],
      ),
    );
    await eventually(async () => {
      const { status, body } = await askHealth(healthPort ?? 0, 'ready');
      assert.deepEqual([status, body.unhosted], [200, [`1 task of chain waits for ${host}`]]);
    });

    await muster.work({ graphs: [chain] });
    const view = await ended(task);
    assert.deepEqual([view.task.status, view.task.waitsFor], ['completed', null]);
  });

  it('says which pause, or which full limit, holds it up while a worker is ready', async () => {
    const { client } = muster;
    const waitsFor = async (user: string) => {
      const task = await client.submit('chain', {}, { user });
      const { waitsFor } = (await task.show()).task;
      await task.cancel();
      return waitsFor;
    };
    const gate = new Gate();
    script.on('first', gate.pass);
    const first = await client.submit('chain', {}, { user: 'u-17' });
    await eventually(() => script.callsOf('first').some(({ taskId }) => taskId === first.id));

    assert.equal(await waitsFor('u-17'), 'a free slot of user:default/u-17, whose limit is 1');
    await client.pause('graph:chain');
    assert.equal(await waitsFor('u-18'), 'a resume: its graph "chain" is paused');

    await client.resume('graph:chain');
    gate.open();
    await ended(first);
  });

  it('says so once its only host has missed a beat, before that counts as gone', async () => {
    const gate = new Gate();
    script.on('first', gate.pass);
    const task = await muster.client.submit('chain', {});
    await eventually(() => script.callsOf('first').some(({ taskId }) => taskId === task.id));

    const waitsFor = await eventually(async () => {
      await behindTheBack(muster, `update muster.agent_leases set renewed_at = now() - interval '16 seconds'`);
      return (await task.show()).task.waitsFor ?? false;
    });

    assert.match(String(waitsFor), /the only one that hosts what it needs has been silent for more than 15 s/);
    gate.open();
    await ended(task);
  });
});
