import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.ts';
import { type ModelServer, modelsFile, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { WorkerProcess } from '../support/worker-process.ts';
import { ended } from '../system/acceptance/views.ts';

const MODULE = fileURLToPath(new URL('./answering-graphs.ts', import.meta.url));

describe('telemetry of workers', () => {
  let muster: MusterUnderTest;
  let models: ModelServer;
  const receiver = new OtlpReceiver();
  const workers: WorkerProcess[] = [];

  before(async () => {
    models = await startModelServer(({ messages }) =>
      messages.some(({ role }) => role === 'tool')
        ? { text: '{"answer":"yes"}' }
        : { calls: [{ tool: 'publish', arguments: { subject: 'news' } }] },
    );
    const endpoint = await receiver.open();
    const environment = { MUSTER_MODELS: await modelsFile(models.url), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
    muster = await openMuster('telemetry restarts', { environment });
    await muster.client.operations.grants.allow({ agent: 'answerer', tool: 'publish', approval: true });
  });
  after(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await muster?.close();
    await models?.close();
    receiver.close();
  });

  const start = async () => {
    const { environment, stack } = muster;
    const worker = await WorkerProcess.start({ environment, module: MODULE, folder: stack.folder });
    workers.push(worker);
    return worker;
  };

  it('K023: tells of a task that rested, and whose worker was killed, under one trace id, and each token once', async () => {
    const first = await start();
    const task = await muster.client.submit('answering', { question: 'news' });
    await eventually(async () => (await task.read()).status === 'waiting_approval', { withinMs: 60_000 });
    await first.close();
    await start();
    const [approval] = await muster.client.operations.approvals.list({ task: task.id });
    await muster.client.operations.approvals.decide({ id: approval?.id ?? '', verdict: 'approve' });
    const view = await ended(task);

    await eventually(() => receiver.spans.length > 0, { withinMs: 90_000 });

    const { spans } = receiver;
    const traceId = (view.traces[0]?.id ?? '').replaceAll('-', '');
    assert.deepEqual([...new Set(spans.map((span) => span.traceId))], [traceId]);
    assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length);
    assert.deepEqual(spans.map(({ name }) => name).toSorted(), [
      'chat default',
      'chat default',
      'execute_tool publish',
      'invoke_agent answerer',
      'invoke_workflow answering',
    ]);
    const tokens = spans.map(({ attributes }) => Number(attributes['gen_ai.usage.input_tokens'] ?? 0));
    assert.equal(
      tokens.reduce((sum, one) => sum + one, 0),
      view.usage.inputTokens,
    );
  });
});
