import assert from 'node:assert/strict';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import type { TaskView } from '../../index.ts';
import { SpanExport } from '../../telemetry/span-export.ts';
import { eventually } from '../support/eventually.ts';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { query } from '../support/query.ts';
import { ended } from '../system/acceptance/views.ts';
import { answering, done } from '../system/thinking/agents.ts';

const SECRET = 'a secret of the user';

describe('telemetry', () => {
  let muster: MusterUnderTest;
  let models: ModelServer;
  let receiver: OtlpReceiver;
  let endpoint: string;
  let database: Database;
  const exports: SpanExport[] = [];

  before(async () => {
    models = await startModelServer(think);
    receiver = new OtlpReceiver();
    endpoint = await receiver.open();
    muster = await openMuster('telemetry', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    database = openDatabase({ url: muster.databaseUrl, applicationName: 'telemetry test' });
    await muster.work({ graphs: [answering] });
    await muster.client.operations.grants.allow({ agent: 'answerer', tool: 'publish', approval: true });
  });
  after(async () => {
    await Promise.all(exports.map((each) => each.stop()));
    await database?.close();
    await muster?.close();
    await models?.close();
    receiver?.close();
  });
  beforeEach(() => {
    done.length = 0;
  });
  afterEach(async () => {
    await Promise.all(exports.splice(0).map((each) => each.stop()));
    receiver.spans.length = 0;
    receiver.bodies.length = 0;
    receiver.points = [];
    receiver.status = () => 200;
  });

  function think({ messages }: Asked): Reply {
    const isFirst = !messages.some(({ role }) => role === 'tool');
    const calls = ['look-up', 'publish'].map((tool) => ({ tool, arguments: { subject: SECRET } }));
    return isFirst ? { text: SECRET, calls } : { text: JSON.stringify({ answer: SECRET }) };
  }

  /** A process that exports, as a worker with a collector does; it takes what has ended at once. */
  const exporting = (instance: string): SpanExport => {
    const at = { endpoint, headers: { 'x-key': 'k' }, serviceName: 'muster-test', instance };
    const one = new SpanExport({
      ...at,
      database,
      settleSeconds: 0,
      log: { warn: (facts, text) => warnings.push([text, facts]) },
    });
    exports.push(one);
    one.start();
    return one;
  };
  const warnings: [string, object][] = [];

  /** A task whose agent waits for a person in between. */
  async function answered(question = SECRET): Promise<TaskView> {
    const task = await muster.client.submit('answering', { question });
    await eventually(async () => (await task.read()).status === 'waiting_approval');
    const { approvals } = muster.client.operations;
    const [approval] = await approvals.list({ task: task.id });
    await approvals.decide({ id: approval?.id ?? '', verdict: 'approve' });
    return ended(task);
  }

  const idOf = (view: TaskView) => (view.traces[0]?.id ?? '').replaceAll('-', '');
  const spansOf = (view: TaskView) => receiver.spans.filter(({ traceId }) => traceId === idOf(view));
  const arrived = async (view: TaskView) => {
    await eventually(() => spansOf(view).length > 0);
    return spansOf(view);
  };
  const sum = (spans: readonly ReceivedSpan[], name: string) =>
    spans.reduce((total, { attributes }) => total + Number(attributes[name] ?? 0), 0);

  it('K022: tells a collector of a task, its run, its model calls and its tools under one trace id', async () => {
    exporting('one');
    await eventually(async () => (await held()) === 'one');

    const view = await answered();
    await arrived(view);

    const spans = spansOf(view);
    const names = spans.map(({ name }) => name).toSorted();
    const expected = ['chat default', 'chat default', 'execute_tool look-up', 'execute_tool publish'];
    assert.deepEqual(names, [...expected, 'invoke_agent answerer', 'invoke_workflow answering']);
    const byName = (name: string) => spans.find((span) => span.name === name);
    const [root, run] = [byName('invoke_workflow answering'), byName('invoke_agent answerer')];
    assert.equal(root?.parentSpanId, undefined);
    assert.equal(run?.parentSpanId, root?.spanId);
    for (const name of expected) assert.equal(byName(name)?.parentSpanId, run?.spanId, name);
    assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length);
    const chat = byName('chat default');
    assert.equal(chat?.kind, 3);
    assert.equal(chat?.attributes['gen_ai.operation.name'], 'chat');
    assert.equal(chat?.attributes['gen_ai.provider.name'], 'local');
    assert.deepEqual(chat?.attributes['gen_ai.response.finish_reasons'], ['tool_calls']);
    assert.equal(byName('execute_tool publish')?.attributes['gen_ai.tool.call.id'], 'call-1-publish');
    for (const { startMs, endMs } of spans) {
      assert.ok(startMs >= Number(root?.startMs) - 1 && endMs <= Number(root?.endMs) + 1 && startMs <= endMs);
    }
    assert.equal(receiver.headers.at(-1)?.['x-key'], 'k');
  });

  it('K022: counts every token once: the sum over all spans is that of the rows', async () => {
    exporting('two');
    await eventually(async () => (await held()) === 'two');

    const view = await answered('tokens');
    await arrived(view);

    const spans = spansOf(view);
    assert.deepEqual(
      ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens', 'muster.cost_micros'].map((name) => sum(spans, name)),
      [view.usage.inputTokens, view.usage.outputTokens, view.usage.costMicros],
    );
    assert.ok(view.usage.inputTokens > 0);
  });

  it('K022: says nothing of what was asked and answered', async () => {
    exporting('three');
    await eventually(async () => (await held()) === 'three');

    const view = await answered();
    await arrived(view);

    const told = receiver.bodies.join('\n');
    assert.ok(told.includes(idOf(view)), 'the bodies are those of the requests');
    assert.equal(told.includes(SECRET), false);
  });

  it('K022: loses nothing while the collector is unavailable, and says it once', async () => {
    warnings.length = 0;
    receiver.status = () => 401;
    exporting('four');
    await eventually(async () => (await held()) === 'four');

    const view = await answered('later');
    await eventually(() => warnings.length > 0);
    receiver.status = () => 200;
    await arrived(view);

    assert.deepEqual(
      warnings.map(([text]) => text),
      ['the collector is not accepting spans; they will be sent when it recovers'],
    );
    assert.equal(spansOf(view).length, 6);
  });

  it('K022: skips a trace that the collector refuses for good, and no other', async () => {
    warnings.length = 0;
    const first = await answered('refused');
    const second = await answered('taken');
    receiver.status = (spans) => (spans.some(({ traceId }) => traceId === idOf(first)) ? 400 : 200);

    exporting('five');
    await arrived(second);

    assert.deepEqual(spansOf(first), []);
    assert.deepEqual(
      warnings.map(([, facts]) => (facts as { traceId?: string }).traceId?.replaceAll('-', '')),
      [idOf(first)],
    );
  });

  it('K022: is exported by one process at a time, and continues where another stopped', async () => {
    const first = exporting('six');
    await eventually(async () => (await held()) === 'six');
    exporting('seven');
    const before = await answered('before');
    await arrived(before);
    const holder = await held();

    await first.stop();
    await eventually(async () => (await held()) === 'seven');
    const after = await answered('after');
    await arrived(after);

    assert.equal(holder, 'six');
    assert.equal(spansOf(before).length, 6);
    assert.equal(spansOf(after).length, 6);
  });

  it('K022: gives a trace the same ids whenever it is told, so that a collector keeps it once', async () => {
    exporting('eight');
    await eventually(async () => (await held()) === 'eight');
    const view = await answered('twice');
    const first = await arrived(view);
    receiver.spans.length = 0;

    // As a process that died before it wrote how far it had come.
    await query(
      muster,
      `update muster.system_config set value = value || jsonb_build_object('at', '2026-01-01T00:00:00Z') where key = 'telemetry'`,
    );
    const again = await arrived(view);

    assert.deepEqual(again, first);
  });

  it('K022: counts tokens and times of model calls as histograms', async () => {
    const one = exporting('nine');
    await eventually(async () => (await held()) === 'nine');
    await arrived(await answered('histograms'));

    await one.stop();

    const point = (metric: string, type?: string) =>
      receiver.points.find((each) => each.metric === metric && each.attributes['gen_ai.token.type'] === type);
    assert.equal(point('gen_ai.client.token.usage', 'input')?.sum, 200);
    assert.equal(point('gen_ai.client.token.usage', 'output')?.sum, 40);
    assert.equal(point('gen_ai.client.operation.duration')?.count, 2);
    assert.equal(point('gen_ai.client.operation.duration')?.attributes['gen_ai.request.model'], 'default');
  });

  it('K022: continues behind what a slow collector has taken, and holds the export meanwhile', async () => {
    await addToolCalls(await answered('slow'), 1_500);
    const requests = receiver.hold();
    const one = exporting('ten');

    await eventually(() => requests.length === 1);
    const before = await place();
    // As if the request had taken longer than the export is held.
    await setPlace({ untilMs: 1 });
    requests[0]?.resolve(200);
    await eventually(() => requests.length === 2);
    const isHeld = (await place()).untilMs > Date.now();
    await setPlace({ untilMs: 1 });
    requests[1]?.resolve(200);
    await eventually(async () => (await place()).at !== before.at);
    receiver.status = () => 200;
    await one.stop();

    assert.equal(isHeld, true);
    assert.equal(requests.length, 2);
    assert.equal(receiver.points.find(({ metric }) => metric === 'gen_ai.client.operation.duration')?.count, 2);
  });

  it('K022: counts nothing, and moves no cursor, once another process has the export', async () => {
    await answered('overtaken');
    const requests = receiver.hold();
    const one = exporting('eleven');

    await eventually(() => requests.length === 1);
    const before = await place();
    await setPlace({ holder: 'another', untilMs: Date.now() + 60_000 });
    requests[0]?.resolve(200);
    await one.stop();
    const after = await place();
    await setPlace({ holder: 'another', untilMs: 0 });

    assert.deepEqual([after.holder, after.at], ['another', before.at]);
    assert.deepEqual(receiver.points, []);
  });

  /** Tool calls that are more than one request holds. */
  const addToolCalls = (view: TaskView, count: number) =>
    query(
      muster,
      `insert into muster.tool_calls
       select (jsonb_populate_record(t, jsonb_build_object('index', n))).*
       from muster.tool_calls t, generate_series(10, ${count + 9}) n
       where t.trace_id = '${view.traces[0]?.id}' and t."index" = 0`,
    );

  const setPlace = (change: { holder?: string; untilMs: number }) =>
    query(
      muster,
      `update muster.system_config set value = value || '${JSON.stringify(change)}'::jsonb where key = 'telemetry'`,
    );

  async function place(): Promise<{ at: string; holder: string; untilMs: number }> {
    const [row] = await query<{ value: Awaited<ReturnType<typeof place>> }>(
      muster,
      "select value from muster.system_config where key = 'telemetry'",
    );
    return row?.value ?? { at: '', holder: '', untilMs: 0 };
  }

  async function held(): Promise<string> {
    const { holder, untilMs } = await place();
    return untilMs > 0 ? holder : '';
  }
});
