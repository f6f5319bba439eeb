import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { Failpoint } from '../../../domain/system/failpoints.ts';
import type { TaskView } from '../../../index.ts';
import { type ModelServer, modelsFile, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { type Sink, startSink } from '../../support/sink.ts';
import { WorkerProcess } from '../../support/worker-process.ts';
import { ended } from '../acceptance/views.ts';

const MODULE = fileURLToPath(new URL('./fault-graphs.ts', import.meta.url));

interface Death {
  readonly failpoint: Failpoint;
  /** The tool that the model asks for. */
  readonly tool: 'pay' | 'shout';
  readonly policy?: 'stop';
  /** Another agent, whose grants are revoked between the death and the next worker. */
  readonly revoked?: string;
  /** How often the provider is paid for the two steps. */
  readonly paid: number;
  readonly effects: number;
  readonly error?: string;
}

const DEATHS: Readonly<Record<string, Death>> = {
  'before-call': { failpoint: 'after_model_call_announced', tool: 'pay', paid: 2, effects: 1 },
  'before-record': { failpoint: 'after_model_answer_before_record', tool: 'pay', paid: 3, effects: 1 },
  'before-report': { failpoint: 'after_model_record_before_report', tool: 'pay', paid: 2, effects: 1 },
  'before-tool': { failpoint: 'after_tool_call_begun', tool: 'pay', paid: 2, effects: 1 },
  'before-result': { failpoint: 'after_tool_result_before_record', tool: 'pay', paid: 2, effects: 1 },
  'before-tool-report': { failpoint: 'after_tool_record_before_report', tool: 'pay', paid: 2, effects: 1 },
  'keyed-effect': { failpoint: 'after_effect_before_record', tool: 'pay', paid: 2, effects: 1 },
  'unsafe-begun': { failpoint: 'after_tool_call_begun', tool: 'shout', paid: 2, effects: 1 },
  'unsafe-done': { failpoint: 'after_tool_result_before_record', tool: 'shout', paid: 2, effects: 1 },
  'unsafe-doubt': {
    ...{ failpoint: 'after_effect_before_record', tool: 'shout', paid: 1, effects: 1 },
    error: 'effect_in_doubt',
  },
  'revoked-begun': {
    ...{ failpoint: 'after_tool_call_begun', tool: 'shout', revoked: 'begun-buyer', paid: 2, effects: 1 },
  },
  'revoked-done': {
    ...{ failpoint: 'after_tool_result_before_record', tool: 'pay', revoked: 'done-buyer', paid: 2, effects: 1 },
  },
  'llm-before-record': { failpoint: 'after_model_answer_before_record', tool: 'pay', paid: 3, effects: 1 },
  'llm-before-report': { failpoint: 'after_model_record_before_report', tool: 'pay', paid: 2, effects: 1 },
  'model-doubt': {
    ...{ failpoint: 'after_model_answer_before_record', tool: 'pay', policy: 'stop', paid: 1, effects: 0 },
    error: 'model_call_in_doubt',
  },
};

describe('a thinking agent whose worker dies', function () {
  this.timeout(400_000);
  let muster: MusterUnderTest;
  let models: ModelServer;
  let sink: Sink;
  const workers: WorkerProcess[] = [];
  const views = new Map<string, TaskView>();

  before(async () => {
    models = await startModelServer(({ messages }) => {
      const [, label = ''] = /"label":"([^"]+)"/.exec(messages[1]?.content ?? '') ?? [];
      const said = messages.some(({ role }) => role === 'tool');
      const tool = DEATHS[label]?.tool ?? 'pay';
      return said ? { text: JSON.stringify({ bought: label }) } : { calls: [{ tool, arguments: { label } }] };
    });
    sink = await startSink();
    muster = await openMuster('thinking-faults', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    for (const agent of ['buyer', 'begun-buyer', 'done-buyer', 'llm-before-record.buy', 'llm-before-report.buy']) {
      for (const tool of ['pay', 'shout']) await muster.client.operations.grants.allow({ agent, tool });
    }
    // What follows each death is mostly waiting; more workers at once than this machine can start would die of it.
    const left = Object.entries(DEATHS);
    const some = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await die(...next);
    };
    await Promise.all([some(), some(), some()]);
  });
  after(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await muster?.close();
    await models?.close();
    await sink?.close();
  });

  async function spawn(label: string, { policy, revoked }: Death, failpoints?: string): Promise<WorkerProcess> {
    const worker = await WorkerProcess.start({
      environment: muster.environment,
      module: MODULE,
      folder: muster.stack.folder,
      ...(failpoints === undefined ? {} : { failpoints }),
      more: {
        ...{ MUSTER_TASK_QUEUE: `${muster.taskQueue}-${label}`, MUSTER_FAULT_GRAPH: label },
        ...{ MUSTER_FAULT_SINK: sink.url, MUSTER_FAULT_POLICY: policy ?? '' },
        MUSTER_FAULT_AGENT: revoked ?? 'buyer',
      },
    });
    workers.push(worker);
    return worker;
  }

  /** Lets a worker die at its place and another one finish what it began. */
  async function die(label: string, death: Death): Promise<void> {
    const doomed = await spawn(label, death, `${death.failpoint}:kill:1`);
    const task = await muster.client.submit(label, { label });
    assert.equal((await doomed.ended).signal, 'SIGKILL');
    if (death.revoked !== undefined) await revoke(death.revoked);
    const other = await spawn(label, death);
    views.set(label, await ended(task));
    await other.close();
  }

  async function revoke(agent: string): Promise<void> {
    const { grants } = muster.client.operations;
    for (const { id } of await grants.list({ agent })) await grants.revoke({ id });
  }

  for (const [label, { failpoint, paid, effects, error }] of Object.entries(DEATHS)) {
    it(`K010: ends once when its worker dies ${failpoint.replaceAll('_', ' ')} (${label})`, async () => {
      const view = views.get(label) as TaskView;

      assert.equal(view.task.status, error === undefined ? 'completed' : 'failed', view.task.error?.message);
      assert.equal(view.task.error?.code, error);
      assert.equal(models.askedWith(`\\"label\\":\\"${label}\\"`), paid);
      assert.equal((await sink.record()).effectsOn(label), effects);
      assert.equal(view.traces.length, 1);
    });
  }

  it('C076: counts the calls of a bound tool once, also where a worker died', async () => {
    const runs = (label: string) =>
      views.get(label)?.traces[0]?.runs.map(({ path, status, attempts }) => `${path} ${status} ${attempts}`);

    const expected = ['buy ok 1', 'pay ok 1', 'shout skipped 0'];
    assert.deepEqual(runs('llm-before-record')?.toSorted(), expected);
    assert.deepEqual(runs('llm-before-report')?.toSorted(), expected);
  });

  it('K011: lists what is in doubt, and nothing else', async () => {
    const doubts = await muster.client.call('thinking.doubts', {});

    const found = doubts.map(({ kind, called, taskId }) => [kind, called, taskId]).toSorted();
    assert.deepEqual(found, [
      ['model', 'default', views.get('model-doubt')?.task.id],
      ['tool', 'shout', views.get('unsafe-doubt')?.task.id],
    ]);
  });

  it('K011: lists a doubt no more once a person has settled it, and a redrive makes the call no second time', async () => {
    const [label, death] = ['unsafe-doubt', DEATHS['unsafe-doubt'] as Death];
    const doubts = await muster.client.call('thinking.doubts', {});
    const { taskId, effect } = doubts.find(({ kind }) => kind === 'tool') ?? assert.fail('no tool is in doubt');
    await muster.client.call('effects.settle', { effect: effect ?? '', happened: true });
    const settled = await muster.client.call('thinking.doubts', {});

    await muster.client.redrive(taskId);
    const worker = await spawn(label, death);
    const view = await ended(muster.client.task(taskId));
    await worker.close();

    assert.deepEqual(
      settled.map(({ kind }) => kind),
      ['model'],
    );
    assert.equal(view.task.status, 'completed', view.task.error?.message);
    assert.equal((await sink.record()).effectsOn(label), 1);
  });

  it('K011: leaves out what was in doubt in a trace that a redrive has replaced', async () => {
    const [label, death] = ['model-doubt', DEATHS['model-doubt'] as Death];
    const taskId = views.get(label)?.task.id ?? '';

    await muster.client.redrive(taskId);
    const worker = await spawn(label, death);
    await ended(muster.client.task(taskId));
    await worker.close();

    assert.deepEqual(await muster.client.call('thinking.doubts', {}), []);
  });
});
