import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digest } from '../../agents/channel-digest/schemas.ts';
import type { SubmitOptions, TaskView } from '../../client.ts';
import { ROOT } from '../architecture/source-files.ts';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { ended } from './acceptance/views.ts';

const TEXT = readFileSync(join(ROOT, 'examples', 'data', 'standup.txt'), 'utf8');

describe('the channel digest with a model', function () {
  this.timeout(240_000);
  let muster: MusterUnderTest;
  let models: ModelServer;
  let think: (asked: Asked) => Reply;

  before(async () => {
    models = await startModelServer((asked) => think(asked));
    muster = await openMuster('digest with model', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.work();
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  const run = async (name: string, options: SubmitOptions = {}): Promise<TaskView> =>
    ended(await muster.client.submit('channel-digest', { text: TEXT, name }, options));
  const instructionsOf = ({ messages }: Asked) => messages[0]?.content ?? '';
  const inputOf = ({ messages }: Asked) => JSON.parse(messages[1]?.content ?? '{}');
  const say = (value: unknown): Reply => ({ text: JSON.stringify(value) });
  /** Says of each model what it answers. The summary repeats a line of the talk, as it is told to. */
  const thinking =
    ({ score }: { score: (round: number) => number }) =>
    (asked: Asked): Reply => {
      const task = instructionsOf(asked);
      const { talk = '', statements = [], faults = [] } = inputOf(asked);
      if (/^You sum up/.test(task)) {
        const [, line = '', text = ''] = /^(\d+) (\w+: .{30,200})$/m.exec(talk) ?? [];
        return say({ summary: [{ text, lines: [Number(line)] }] });
      }
      if (/^You compose/.test(task)) return say({ keep: statements.map((_: string, at: number) => at + 1) });
      assert.match(task, /^You judge/);
      return say({ score: score(faults.length), faults: [] });
    };
  const editionOf = (view: TaskView) => view.traces[0]?.runs.find(({ path }) => path === 'edit');

  it('is summed up, composed and judged by it, with the output that it always has', async () => {
    think = thinking({ score: () => 0.93 });

    const view = await run('with.txt');

    const output = digest.parse(view.output);
    assert.equal(view.task.status, 'completed');
    assert.equal(output.quality.score, 0.93);
    const said = output.summary.at(-1);
    const [cited = 0] = said?.lines ?? [];
    assert.ok(TEXT.split('\n')[cited - 1]?.includes(said?.text.slice(-20) ?? '?'), 'a sentence that its line says');
    assert.deepEqual(
      view.traces[0]?.steps.map(({ path, model }) => [path, model]),
      ['compose', 'judge', 'summarise'].map((node) => [`edit[0]/${node}`, 'default']),
    );
    assert.ok(view.usage.costMicros > 0);
  });

  it('is made again where its critic does not accept it, and is that of the rules where it never does', async () => {
    think = thinking({ score: () => 0.4 });

    const view = await run('refused.txt');

    const output = digest.parse(view.output);
    assert.equal(view.task.status, 'completed');
    assert.equal(editionOf(view)?.error?.code, 'rounds_exhausted');
    assert.equal(view.traces[0]?.steps.length, 6);
    assert.equal(output.quality.score, 1);
    assert.match(output.quality.reasons.at(-1) ?? '', /^no-edition: /);
  });

  it('is that of the rules where the model answers nothing that fits', async () => {
    think = () => ({ status: 400 });

    const view = await run('broken.txt');

    const output = digest.parse(view.output);
    assert.equal(view.task.status, 'completed');
    assert.equal(editionOf(view)?.status, 'fatal_error');
    assert.deepEqual([output.quality.score, output.quality.revisions], [1, 1]);
  });

  it('is that of the rules where its budget has no room for another call', async () => {
    think = thinking({ score: () => 0.93 });

    const view = await run('poor.txt', { budget: { steps: 1 } });

    const output = digest.parse(view.output);
    assert.equal(view.task.status, 'completed');
    assert.equal(editionOf(view)?.status, 'fatal_error');
    assert.deepEqual(
      view.traces[0]?.steps.map(({ path, state }) => [path, state]),
      [['edit[0]/summarise', 'done']],
    );
    assert.deepEqual([output.quality.score, view.budget?.limits[0]?.spent], [1, 1]);
  });

  it('needs no version of its own: a worker without models publishes nothing else', async () => {
    await muster.work({ environment: { ...muster.environment, MUSTER_MODELS: '' } });

    const graphs = await muster.client.call('graphs.list', {});

    assert.equal(graphs.find(({ name }) => name === 'channel-digest')?.version, 1);
  });
});

describe('the channel digest without a model', function () {
  this.timeout(120_000);

  it('is made by the rules alone', async () => {
    const muster = await openMuster('digest without model');
    try {
      await muster.work();

      const view = await ended(await muster.client.submit('channel-digest', { text: TEXT, name: 'without.txt' }));

      const output = digest.parse(view.output);
      assert.deepEqual([output.quality.score, output.quality.reasons], [1, []]);
      assert.equal(view.traces[0]?.runs.find(({ path }) => path === 'edit')?.status, 'skipped');
      assert.deepEqual(view.traces[0]?.steps, []);
    } finally {
      await muster.close();
    }
  });
});
