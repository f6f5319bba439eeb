import assert from 'node:assert/strict';
import { workflowStarter } from '../../dispatcher/start-task.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../../domain/queues/queue-settings.ts';
import { taskWorkflowId } from '../../domain/tasks/execution.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { connectWorker, type TemporalWorkerConnection } from '../../temporal/connect-worker.ts';
import { ensureSearchAttributes } from '../../temporal/ensure-search-attributes.ts';
import { sharedStack } from '../support/stack.ts';
import { ClaimBed } from './claim-bed.ts';

describe('the start of a claimed task', () => {
  let bed: ClaimBed;
  let temporal: TemporalWorkerConnection;

  before(async () => {
    const { temporalAddress: address, temporalNamespace: namespace } = await sharedStack();
    temporal = await connectWorker({ address, namespace });
    await ensureSearchAttributes(temporal.client, namespace);
    bed = await ClaimBed.open('start-task');
  });
  after(async () => {
    await temporal?.close();
    await bed?.close();
  });

  it('tells Temporal its band, and its tenant’s weight, and is one start however often it is done', async () => {
    const settings = { latest: { ...DEFAULT_QUEUE_SETTINGS, weights: { acme: 2.5 } } };
    const start = workflowStarter({
      client: temporal.client,
      graphs: new GraphCache(bed.database),
      settings,
      log: { warn: () => undefined },
    });
    const [task] = await bed.claim(await bed.insert({ tenant: 'acme', priority: 2 }));
    assert.ok(task);
    const { taskId, traceNumber } = task.execution;
    const handle = temporal.client.workflow.getHandle(taskWorkflowId(taskId, traceNumber));

    await start(task);
    const { runId, priority } = await handle.describe();
    await start(task);

    assert.deepEqual(priority, { priorityKey: 1, fairnessKey: 'acme', fairnessWeight: 2.5 });
    assert.equal((await handle.describe()).runId, runId);
    await handle.terminate();
    await start(task);
    assert.equal((await handle.describe()).runId, runId);
  });
});
