import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { CauseKind } from '../../domain/tasks/cause.ts';
import { slidingLog, type TaskHandle } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

describe('why a task has not ended', () => {
  const script = new Script();
  const { single, retried } = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('why');
    await muster.client.publish([single, retried]);
  });
  after(() => muster?.close());
  afterEach(() => script.reset());

  /** The only cause, which must be of this kind. */
  async function onlyCause(task: TaskHandle, kind: CauseKind) {
    const { causes } = await task.why();
    assert.deepEqual(
      causes.map((cause) => cause.kind),
      [kind],
    );
    return causes[0] ?? assert.fail();
  }

  /** A worker that is busy hears of the pause of a graph a moment later. */
  async function pauseGraph(): Promise<void> {
    await muster.client.pause('graph:single');
    await eventually(async () => {
      const probe = await muster.client.submit('single', {});
      await pause(500);
      await probe.cancel();
      return (await ended(probe)).traces.length === 0;
    });
  }

  async function runsToEnd(task: TaskHandle): Promise<void> {
    assert.equal((await ended(task)).task.status, 'completed');
    assert.deepEqual((await task.why()).causes, []);
  }

  it('is that no worker hosts what it needs, until one does', async () => {
    const task = await muster.client.submit('single', {});

    const { waitsFor } = await onlyCause(task, 'worker');

    assert.match(waitsFor, /a worker on the task queue/);
    await muster.work({ graphs: [single, retried] });
    await runsToEnd(task);
  });

  it('is the pause of the task, and of its graph, until they are resumed', async () => {
    await pauseGraph();
    const task = await muster.client.submit('single', {});
    await task.pause();

    assert.equal((await onlyCause(task, 'paused')).waitsFor, 'a resume: it is paused');
    await task.resume();
    assert.equal((await onlyCause(task, 'paused')).waitsFor, 'a resume: its graph "single" is paused');

    await muster.client.resume('graph:single');
    await runsToEnd(task);
  });

  it('is the task that holds the slot of its user, and the handler that this one runs in', async () => {
    const gate = new Gate();
    script.on('work', gate.pass);
    const first = await muster.client.submit('single', {}, { user: 'ada' });
    await eventually(() => script.callsOf('work').length === 1);
    const second = await muster.client.submit('single', {}, { user: 'ada' });

    const { path, waitsFor } = await onlyCause(first, 'handler');
    const { tasks } = await onlyCause(second, 'slot');

    assert.equal(path, 'work');
    assert.match(waitsFor, /^slow-step, which runs in /);
    assert.deepEqual(tasks, [first.id]);
    gate.open();
    await runsToEnd(second);
  });

  it('is the tasks that it depends on, by their ids, and its time with the moment', async () => {
    const startAt = new Date(Date.now() + 3_600_000);
    const later = await muster.client.submit('single', {}, { startAt });
    const behind = await muster.client.submit('single', {}, { dependsOn: [later.id] });

    assert.deepEqual((await onlyCause(behind, 'dependency')).tasks, [later.id]);
    assert.deepEqual((await onlyCause(later, 'time')).until, startAt);

    await later.cancel();
    assert.deepEqual((await ended(behind)).task.status, 'failed');
  });

  it('is the wait before the next attempt, with the error and the moment', async () => {
    script.on('work', (context) => {
      if (context.attempt === 1) throw Object.assign(new Error('the other side is closed'), { retryAfterMs: 4_000 });
      return { node: context.nodeId };
    });
    const task = await muster.client.submit('retried', {});

    const { path, waitsFor, until } = await eventually(() => onlyCause(task, 'retry'));

    assert.equal(path, 'work');
    assert.match(waitsFor, /its next attempt: .*the other side is closed/);
    assert.ok(until !== null && until.getTime() > Date.now() - 4_000, `${until?.toISOString()}`);
    await runsToEnd(task);
  });

  it('is the rate limit that its node waits for, until its limit lets it continue', async () => {
    await muster.client.limits.set('provider:narrow', slidingLog({ limit: 1, perSeconds: 3_600 }));
    await muster.client.limits.take({ provider: 'narrow' });
    script.on('work', async ({ limits, nodeId }) => {
      await limits.take({ provider: 'narrow' });
      return { node: nodeId };
    });
    const task = await muster.client.submit('single', {});

    const { waitsFor, until } = await eventually(() => onlyCause(task, 'limit'));

    assert.match(waitsFor, /provider:narrow/);
    assert.ok(until !== null);
    await task.cancel();
    await ended(task);
  });

  it('is Temporal, where that does not answer', async () => {
    const away = await openMuster('why-away', { environment: { TEMPORAL_ADDRESS: '127.0.0.1:9' } });
    try {
      await away.client.publish([single]);
      const task = await away.client.submit('single', {});

      const { causes } = await task.why();

      assert.deepEqual(
        causes.map(({ kind }) => kind),
        ['service', 'worker'],
      );
      assert.match(causes[0]?.waitsFor ?? '', /^Temporal/);
    } finally {
      await away.close();
    }
  });
});
