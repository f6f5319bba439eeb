import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineTurn } from '../../index.ts';
import { type ModelServer, modelsFile, type Reply, startModelServer } from '../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const router = defineAgent({
  ...{ name: 'thinking-router', input: z.object({ text: z.string() }), model: 'default' },
  output: z.object({ route: z.enum(['qa', 'code']), temperature: z.number() }),
  instructions: 'Choose a route.',
  temperature: 0.1,
  limits: { steps: 2, callMs: 2_000, idleMs: 2_000, unanswered: 1 },
});
const says = (name: string) =>
  defineAgent({
    ...{ name: `says-${name}`, input: z.object({ temperature: z.number() }), output: z.string(), quick: true },
    handle: ({ temperature }) => `${name} at ${temperature}`,
  });
const turn = defineTurn({ name: 'routed-turn', routes: { qa: says('qa'), code: says('code') }, router });

describe('a turn whose router is a model', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let models: ModelServer;

  before(async () => {
    models = await startModelServer(({ messages }) => {
      const { text } = JSON.parse(messages[1]?.content ?? '{}') as { readonly text: string };
      return ANSWERS[text]?.() ?? { text };
    });
    muster = await openMuster('thinking router', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.work({ graphs: [turn] });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  const ANSWERS: Readonly<Record<string, () => Reply | Promise<Reply>>> = {
    sane: () => ({ text: '{"route":"code","temperature":0.2}' }),
    silent: () => new Promise<Reply>(() => undefined),
    refused: () => ({ status: 500 }),
    forbidden: () => ({ status: 403 }),
    elsewhere: () => ({ text: '{"route":"admin","temperature":0.2}' }),
  };
  const ask = async (text: string) =>
    (await (await muster.client.conversation(`c-${text}`).say(text, { graph: 'routed-turn' })).answer()).reply;

  it('goes where the model says', async () => {
    assert.equal(await ask('sane'), 'code at 0.2');
    assert.equal(models.asked[0]?.temperature, 0.1);
  });

  for (const text of ['{"route":', 'elsewhere', 'silent', 'refused', 'forbidden']) {
    it(`C003: takes the safe default when the model's answer is ${text}`, async () => {
      assert.equal(await ask(text), 'qa at 0.8');
    });
  }
});
