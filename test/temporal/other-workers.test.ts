import assert from 'node:assert/strict';
import { connectClient, type TemporalClient } from '../../temporal/connect.ts';
import { otherWorkers } from '../../temporal/other-workers.ts';
import { eventually } from '../support/eventually.ts';
import { sharedStack, taskQueueName } from '../support/stack.ts';

describe('the other workers of a task queue', function () {
  this.timeout(30_000);
  let temporal: TemporalClient;

  before(async () => {
    const { temporalAddress: address, temporalNamespace: namespace } = await sharedStack();
    temporal = await connectClient({ address, namespace });
  });

  after(() => temporal.close());

  it('are named, without the worker that asks', async () => {
    const taskQueue = taskQueueName('others');
    const enough = new AbortController();
    const { client } = temporal;
    const { namespace } = client.options;
    /** Asks for work as a worker does, until the test has seen enough. */
    const ask = (identity: string) =>
      client.workflowService.pollActivityTaskQueue({ namespace, identity, taskQueue: { name: taskQueue } });
    const polls = ['mine', 'theirs'].map((identity) =>
      client
        .withAbortSignal(enough.signal, () => client.withDeadline(Date.now() + 60_000, () => ask(identity)))
        .catch(() => undefined),
    );

    await eventually(async () => {
      assert.deepEqual(await otherWorkers(temporal.client, { taskQueue, workerId: 'mine' }), ['theirs']);
    });
    enough.abort();
    await Promise.all(polls);
  });

  it('are none where nobody else asked', async () => {
    assert.deepEqual(await otherWorkers(temporal.client, { taskQueue: taskQueueName('alone'), workerId: 'mine' }), []);
  });
});
