import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph, defineTool, type Json, type TaskHandle } from '../../../index.ts';
import type { RunningWorker } from '../../../worker.ts';
import { eventually } from '../../support/eventually.ts';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { ended } from '../acceptance/views.ts';

const WITHIN = { withinMs: 20_000 };
const did: string[] = [];
const order = z.object({ order: z.string() });

/** Must never be repeated, and says nothing of how far it came. */
const pay = defineTool({
  ...{ name: 'pay', description: 'Pays an order.', risk: 'external_write', input: order, output: z.string() },
  handle: ({ order }) => {
    did.push(`pay ${order}`);
    throw new Error('the line was cut');
  },
});

/** Takes nothing too, and does not end the first time. */
const note = defineTool({
  ...{ name: 'note', description: 'Notes an order.', risk: 'external_write', effect: 'natural' },
  ...{ input: order.nullable(), output: z.string() },
  handle: (given) => {
    did.push(`note ${JSON.stringify(given)}`);
    return did.length === 1 ? new Promise<string>(() => undefined) : 'noted';
  },
});

const clerk = defineAgent({
  ...{ name: 'clerk', input: order, output: z.string(), model: 'default' },
  ...{ instructions: 'See to it.', tools: [pay, note] },
});
const supervised = defineGraph({
  name: 'supervised',
  input: order,
  nodes: { see: { agent: clerk, input: { order: '/task/order' } } },
  output: '/nodes/see',
});

describe('a tool call in place of whose arguments a person put others', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let models: ModelServer;
  let worker: RunningWorker;
  let think: (asked: Asked) => Reply;

  before(async () => {
    models = await startModelServer((asked) => think(asked));
    muster = await openMuster('edited-calls', {
      environment: { MUSTER_MODELS: await modelsFile(models.url), MUSTER_SHUTDOWN_GRACE_SECONDS: '1' },
    });
    worker = await muster.work({ graphs: [supervised] });
    for (const tool of ['pay', 'note']) {
      await muster.client.operations.grants.allow({ agent: 'clerk', tool, approval: true });
    }
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });
  beforeEach(() => {
    did.length = 0;
  });

  const resultsOf = ({ messages }: Asked) =>
    messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  const ask = (tool: string, order: string): Reply => ({ calls: [{ tool, arguments: { order } }] });
  const approve = async (task: TaskHandle, edited: Json) => {
    const { approvals } = muster.client.operations;
    const id = await eventually(async () => {
      const [waiting] = await approvals.list({ task: task.id });
      assert.ok(waiting, 'nobody is asked');
      return waiting.id;
    }, WITHIN);
    await approvals.decide({ id, verdict: 'approve', arguments: edited });
  };

  it('K031: is the same as one that is asked for with these, and is not repeated', async () => {
    think = (asked) => {
      const results = resultsOf(asked);
      if (results.length < 2) return ask('pay', ['as asked', 'as edited'][results.length] ?? '');
      return { text: results.join(' | ') };
    };
    const task = await muster.client.submit('supervised', { order: 'K031' });

    await approve(task, { order: 'as edited' });
    const { output } = await ended(task);

    assert.deepEqual(did, ['pay as edited']);
    assert.match(String(output), /^The tool failed: the line was cut \| The call was not made: .* may have happened/);
  });

  it('is made again with these after its worker stopped, also with nothing', async () => {
    think = (asked) => (resultsOf(asked).length === 0 ? ask('note', 'as asked') : { text: resultsOf(asked).join() });
    const task = await muster.client.submit('supervised', { order: 'nothing' });

    await approve(task, null);
    await eventually(() => assert.equal(did.length, 1), WITHIN);
    await worker.stop();
    await muster.work({ graphs: [supervised] });
    const { output } = await ended(task);

    assert.equal(output, 'noted');
    assert.deepEqual(did, ['note null', 'note null']);
  });
});
