import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineGraph } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';

const anything = z.object({});

describe('a limit of an agent', function () {
  this.timeout(60_000);
  let muster: MusterUnderTest;
  let running = 0;
  let most = 0;
  let shouldFail = false;
  const served: { readonly taskId: string; readonly nodeId: string }[] = [];

  const agent = (name: string, quick: boolean, ms = 100) =>
    defineAgent({
      name,
      quick,
      input: anything,
      output: anything,
      handle: async (_, { taskId, nodeId }) => {
        served.push({ taskId, nodeId });
        running += 1;
        most = Math.max(most, running);
        try {
          await pause(ms);
          if (shouldFail) throw new Error('on purpose');
          return {};
        } finally {
          running -= 1;
        }
      },
    });
  const graph = (name: string, quick: boolean) => {
    const worker = agent(`${name}-agent`, quick);
    const node = { agent: worker, budget: { maxRetries: 0 } };
    return defineGraph({
      name,
      width: 4,
      input: anything,
      nodes: { a: node, b: node, c: node, d: node },
      output: '/nodes/a',
    });
  };
  const ordered = (name: string, worker: ReturnType<typeof agent>, count: number) => {
    const names = Array.from({ length: count }, (_, index) => `n${index}`);
    const nodes = Object.fromEntries(names.map((node) => [node, { agent: worker }]));
    return defineGraph({ name, width: 4, input: anything, nodes, output: '/nodes/n0' });
  };

  before(async () => {
    muster = await openMuster('agent-places');
    const graphs = [graph('free-four', false), graph('slow-four', false), graph('quick-four', true)];
    const [one, two] = [agent('one-at-once', false, 200), agent('two-at-once', false, 400)];
    graphs.push(ordered('eight-in-order', one, 8), ordered('many-low', two, 20), ordered('one-high', two, 1));
    await muster.client.setLimit('agent:one-at-once', 1);
    await muster.client.setLimit('agent:two-at-once', 2);
    await muster.client.setLimit('agent:slow-four-agent', 2);
    await muster.client.setLimit('agent:quick-four-agent', 1);
    await muster.work({ graphs });
    await muster.work({ graphs });
  });
  after(() => muster?.close());
  beforeEach(() => {
    most = 0;
    shouldFail = false;
  });

  it('bounds how many of its nodes run at once, over all workers and within one task too', async () => {
    const free = await muster.client.submit('free-four', {});
    await free.result();
    assert.ok(most > 2, `without a limit only ${most} of four ran at once`);
    most = 0;

    const tasks = await muster.client.submitMany('slow-four', [{ input: {} }, { input: {} }, { input: {} }]);
    await Promise.all(tasks.map(({ id }) => muster.client.task(id).result()));

    assert.equal(most, 2);
  });

  it('bounds quick nodes, which wait as activities of their own', async () => {
    const tasks = await muster.client.submitMany('quick-four', [{ input: {} }, { input: {} }]);
    await Promise.all(tasks.map(({ id }) => muster.client.task(id).result()));

    assert.equal(most, 1);
  });

  it('is given back by nodes that fail', async () => {
    shouldFail = true;
    const failing = await muster.client.submit('slow-four', {});
    await assert.rejects(failing.result(), { code: 'task_failed' });
    await eventually(() => running === 0);
    shouldFail = false;

    const task = await muster.client.submit('slow-four', {});
    const { trace } = await task.result();

    assert.equal(most, 2);
    assert.ok(trace?.runs.every(({ status }) => status === 'ok'));
  });

  it('lets its nodes in as they came, those that wait before new ones', async () => {
    const task = await muster.client.submit('eight-in-order', {});
    const { trace } = await task.result();

    const came = [...(trace?.runs ?? [])].sort((a, b) => Number(a.startedAt) - Number(b.startedAt));
    const began = served.filter(({ taskId }) => taskId === task.id).map(({ nodeId }) => nodeId);
    // The first four came at the same moment.
    const groups = [came.slice(0, 4), ...came.slice(4).map((run) => [run])];
    const expected = groups.map((runs) => runs.map(({ nodeId }) => nodeId).sort());
    assert.deepEqual([began.slice(0, 4).sort(), ...began.slice(4).map((nodeId) => [nodeId])], expected);
  });

  it('lets an urgent node overtake those of a wide task of the low band', async () => {
    const low = await muster.client.submit('many-low', {}, { priority: 'low' });
    await eventually(() => running === 2);

    const high = await muster.client.submit('one-high', {}, { priority: 'high' });
    await high.result();

    const before = served.filter(({ taskId }) => taskId === low.id).length;
    assert.ok(before <= 12, `${before} of 20 nodes of the low task came first`);
    await low.kill();
    await eventually(() => running === 0);
  });
});
