import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import type { TaskHandle, TaskView } from '../../../index.ts';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { query } from '../../support/query.ts';
import { ended } from '../acceptance/views.ts';
import { carriedOut, thinking } from './fork-graphs.ts';

describe('a fork of a thinking run', () => {
  let muster: MusterUnderTest;
  let models: ModelServer;
  let think: (asked: Asked) => Reply;

  before(async () => {
    models = await startModelServer((asked) => think(asked));
    const file = await modelsFile(models.url);
    const settings = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(
      file,
      JSON.stringify({ ...settings, models: { ...settings.models, other: settings.models.default } }),
    );
    muster = await openMuster('fork-thinking', { environment: { MUSTER_MODELS: file } });
    await muster.work({ graphs: [thinking] });
    await muster.client.operations.grants.allow({ agent: 'fork-thinker', tool: 'fork-post' });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  const stepOf = ({ messages }: Asked) => messages.filter(({ role }) => role === 'assistant').length + 1;
  const call = (tool: string, subject: string): Reply => ({ calls: [{ tool, arguments: { subject } }] });
  /** Looks something up, posts it, and answers with what it was told. */
  const threeSteps = (said: string) => {
    think = (asked) => {
      const step = stepOf(asked);
      if (step === 1) return call('fork-look', 'huge');
      return step === 2 ? call('fork-post', 'news') : { text: JSON.stringify({ answer: said }) };
    };
  };
  const submit = async (said: string) => {
    threeSteps(said);
    const task = await muster.client.submit('fork-thinking', {});
    await ended(task);
    carriedOut.length = 0;
    return task;
  };
  const forkOf = async (task: TaskHandle, at: string, how: Parameters<TaskHandle['fork']>[1] = {}) => {
    const paid = models.asked.length;
    const { consent } = await task.fork(at, { ...how, dryRun: true });
    const fork = await task.fork(at, { ...how, consent: consent ?? '' });
    const view = await ended(fork.task as TaskHandle);
    return { fork, view, calls: models.asked.slice(paid) };
  };
  const stepsOf = (view: TaskView) => view.traces.at(-1)?.steps.map(({ step, inputTokens }) => [step, inputTokens > 0]);

  it('names its price, and makes no call before somebody has agreed to it', async () => {
    const task = await submit('one');
    const paid = models.asked.length;

    const report = await task.fork('answer', { effects: 'repeat', dryRun: true });
    const refused = await task.fork('answer', { effects: 'repeat' }).catch((error: unknown) => error);
    await assert.rejects(task.fork('answer', { effects: 'repeat', consent: 'yes' }), { code: 'consent_required' });

    assert.deepEqual(report.cost.tokens, { min: 360, max: 360 });
    assert.ok(report.cost.costMicros.min > 0 && report.cost.costMicros.min === report.cost.costMicros.max);
    assert.deepEqual([report.takenOver, report.again, report.cost.unpriced], [['prepare'], ['answer'], []]);
    const { code, facts } = refused as { code: string; facts: Record<string, unknown> };
    assert.deepEqual([code, facts.consent, facts.minTokens], ['consent_required', report.consent, 360]);
    assert.equal(models.asked.length, paid);
    assert.deepEqual((await task.show()).forks, []);
  });

  it('pays for no step that it has taken over, and repeats none of its calls', async () => {
    const task = await submit('first');
    threeSteps('second');

    const { fork, view, calls } = await forkOf(task, 'answer#3');

    assert.deepEqual([view.output, calls.length], [{ answer: 'second' }, 1]);
    assert.deepEqual([carriedOut, fork.effects], [[], []]);
    assert.deepEqual(stepsOf(view), [
      [1, false],
      [2, false],
      [3, true],
    ]);
    assert.equal(view.usage.inputTokens, 100);
    const told = calls[0]?.messages.filter(({ role }) => role === 'tool').map(({ content }) => content?.slice(0, 7));
    assert.deepEqual(told, ['xxxxxxx', '{"of":"']);
    const kept = await query<{ size: number }>(
      muster,
      'select size_bytes::int as size from muster.artifacts where task_id = $1',
      [fork.taskId],
    );
    assert.deepEqual(kept, [{ size: 100_002 }], 'the whole result is its own');
  });

  it('makes a call of a tool again only where that is agreed to', async () => {
    const task = await submit('first');

    await assert.rejects(task.fork('answer#2', { consent: 'none' }), /would make 1 recorded effect again/);
    const { fork, calls } = await forkOf(task, 'answer#2', { effects: 'repeat' });

    assert.deepEqual([fork.effects.length, calls.length, carriedOut], [1, 2, ['fork-post news']]);
  });

  it('costs nothing where it takes the thinking over, and can be forked within that again', async () => {
    const task = await submit('first');
    const { fork } = await forkOf(task, 'answer#2', { effects: 'repeat' });
    threeSteps('third');
    carriedOut.length = 0;

    const { view, calls } = await forkOf(fork.task as TaskHandle, 'answer#3');

    assert.deepEqual([view.output, calls.length, carriedOut], [{ answer: 'third' }, 1, []]);
    assert.deepEqual(stepsOf(view), [
      [1, false],
      [2, false],
      [3, true],
    ]);
  });

  it('that began in half and failed is redriven from that step', async () => {
    const task = await submit('first');
    think = () => ({ text: 'no answer' });
    const { fork, view: failed } = await forkOf(task, 'answer#3');
    threeSteps('redriven');
    const paid = models.asked.length;

    await muster.client.redrive(fork.taskId as string);
    const view = await ended(fork.task as TaskHandle);

    assert.equal(failed.task.status, 'failed');
    assert.deepEqual([view.output, models.asked.length - paid, carriedOut], [{ answer: 'redriven' }, 1, []]);
  });

  it('calls another model where it is told to', async () => {
    const task = await submit('first');

    const { view } = await forkOf(task, 'answer#3', { model: 'other' });
    const wrong = await forkOf(task, 'answer#3', { provider: 'nobody' });

    assert.deepEqual(
      view.traces[0]?.steps.map(({ model }) => model),
      ['default', 'default', 'other'],
    );
    assert.equal(wrong.view.task.error?.code, 'model_unknown');
  });

  it('refuses steps that have no certain end, or that nothing follows', async () => {
    const task = await submit('first');

    await assert.rejects(task.fork('answer#4'), /step 3 was the last one/);
    await assert.rejects(task.fork('answer#5'), /name one from 1 to 3/);
    await assert.rejects(task.fork('prepare#2'), /the run has no steps/);
    await query(muster, `update muster.tool_calls set state = 'in_doubt' where task_id = $1 and step = 2`, [task.id]);
    await assert.rejects(task.fork('answer#3'), /step 2 has no certain end/);
  });
});
