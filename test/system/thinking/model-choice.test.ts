import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { defineAgent, defineGraph, defineTool } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type ModelServer, modelsFile, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { ended } from '../acceptance/views.ts';

const shape = z.object({ word: z.string() });
const publish = defineTool({
  name: 'publish',
  risk: 'external_write',
  input: shape,
  output: shape,
  handle: (it) => it,
});
const choosy = defineAgent({
  ...{ name: 'choosy', input: shape, output: shape, tools: [publish] },
  model: ['strong', 'default'],
  instructions: 'Publish, then answer.',
});
const nodes = { think: { agent: choosy, input: { word: '/task/word' } } } as const;
const choosing = defineGraph({ name: 'choosing', input: shape, nodes, output: '/nodes/think' });

describe('an agent with several models', () => {
  let muster: MusterUnderTest;
  let models: ModelServer;
  let weak: string;
  before(async () => {
    models = await startModelServer(({ messages }) => {
      const published = messages.some(({ role }) => role === 'tool');
      return published ? { text: '{"word":"done"}' } : { calls: [{ tool: 'publish', arguments: { word: 'news' } }] };
    });
    weak = await modelsFile(models.url);
    muster = await openMuster('several models');
    await muster.client.call('grants.allow', { agent: 'choosy', tool: 'publish', approval: true });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  const workWith = (file: string) =>
    muster.work({ graphs: [choosing], environment: { ...muster.environment, MUSTER_MODELS: file } });
  const asked = async (word: string) => {
    const task = await muster.client.submit('choosing', { word });
    await eventually(async () => (await task.read()).status === 'waiting_approval');
    return task;
  };
  const approve = async (task: Awaited<ReturnType<typeof asked>>) => {
    const [approval] = await muster.client.call('approvals.list', { task: task.id });
    await muster.client.call('approvals.decide', { id: approval?.id ?? '', verdict: 'approve' });
    return (await ended(task)).traces[0]?.steps.map(({ model }) => model);
  };

  it('begins with the first that its worker has, and keeps it on a worker that has a better one', async () => {
    const settings = JSON.parse(await readFile(weak, 'utf8'));
    const both = `${weak}.both`;
    await writeFile(
      both,
      JSON.stringify({ ...settings, models: { ...settings.models, strong: settings.models.default } }),
    );

    const first = await workWith(weak);
    const early = await asked('early');
    await first.stop();
    await workWith(both);
    const late = await asked('late');

    assert.deepEqual(await approve(early), ['default', 'default']);
    assert.deepEqual(await approve(late), ['strong', 'strong']);
  });
});
