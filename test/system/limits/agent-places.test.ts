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

  const agent = (name: string, quick: boolean) =>
    defineAgent({
      name,
      quick,
      input: anything,
      output: anything,
      handle: async () => {
        running += 1;
        most = Math.max(most, running);
        try {
          await pause(100);
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

  before(async () => {
    muster = await openMuster('agent-places');
    const graphs = [graph('free-four', false), graph('slow-four', false), graph('quick-four', true)];
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
    assert.equal(most, 4);
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
});
