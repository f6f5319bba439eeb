import assert from 'node:assert/strict';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { defineAgent, defineGraph, defineTool, type TaskHandle } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type ModelServer, modelsFile, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { ended } from '../acceptance/views.ts';

const order = z.object({ order: z.string() });
const paid: string[] = [];

const refund = defineTool({
  ...{ name: 'refund', risk: 'external_write', effect: 'natural', input: order, output: z.string() },
  handle: (given) => {
    paid.push(given.order);
    return 'paid';
  },
});
const cashier = defineAgent({
  ...{ name: 'cashier', input: order, output: z.string(), model: 'default', instructions: 'Pay the order back.' },
  tools: [refund],
});
const paying = defineGraph({
  name: 'paying',
  input: order,
  nodes: { pay: { agent: cashier, input: { order: '/task/order' } } },
  output: '/nodes/pay',
});

describe('an approval that is decided in Temporal', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let models: ModelServer;

  before(async () => {
    models = await startModelServer(({ messages }) => {
      const result = messages.find(({ role }) => role === 'tool')?.content;
      if (result !== undefined) return { text: result ?? '' };
      const { order: asked } = JSON.parse(messages[1]?.content ?? '{}') as { order: string };
      return { calls: [{ tool: 'refund', arguments: { order: asked } }] };
    });
    muster = await openMuster('approval update', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.work({ graphs: [paying] });
    await muster.client.operations.grants.allow({ agent: 'cashier', tool: 'refund', approval: true });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  const asked = (task: TaskHandle) =>
    eventually(async () => {
      const [approval] = await muster.client.operations.approvals.list({ task: task.id });
      assert.ok(approval !== undefined);
      return approval.id;
    });
  const update = async (task: TaskHandle, decision: unknown, updateId?: string): Promise<unknown> => {
    const workflow = (await muster.temporal()).workflow.getHandle(`task/${task.id}/1`);
    return workflow.executeUpdate('decideApproval', { args: [decision], ...(updateId && { updateId }) });
  };
  const refused = (code: string) => (error: unknown) =>
    error instanceof WorkflowUpdateFailedError &&
    error.cause?.cause instanceof ApplicationFailure &&
    error.cause.cause.type === code;

  it('K060: is decided once, with the arguments that the person gives', async () => {
    const task = await muster.client.submit('paying', { order: 'A-1' });
    const id = await asked(task);
    const decision = { id, verdict: 'approve', arguments: { order: 'A-2' } };

    const [one, again] = [await update(task, decision, 'one'), await update(task, decision, 'one')];
    const view = await ended(task);

    assert.deepEqual(one, { id, state: 'approved', agent: 'cashier', tool: 'refund' });
    assert.deepEqual(again, one);
    assert.deepEqual([view.task.status, view.output, paid], ['completed', 'paid', ['A-2']]);
    const decided = view.traces[0]?.events.filter(({ type }) => type === 'tool.decided') ?? [];
    assert.match(JSON.stringify(decided), /"by":"temporal"/);
  });

  it('K060: says what is wrong with a decision, and the call still waits', async () => {
    const task = await muster.client.submit('paying', { order: 'B-1' });
    const id = await asked(task);

    await assert.rejects(update(task, { id, verdict: 'perhaps' }), refused('option_invalid'));
    await assert.rejects(update(task, null), refused('option_invalid'));
    await assert.rejects(update(task, { id: 'nobody', verdict: 'approve' }), refused('approval_unknown'));
    await update(task, { id, verdict: 'reject', reason: 'Paid already.' });
    await assert.rejects(update(task, { id, verdict: 'approve' }));

    const view = await ended(task);
    assert.match(String(view.output), /Paid already\./);
    assert.ok(!paid.includes('B-1'));
  });
});
