import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { ModelCallFailed } from '../../domain/models/model-errors.ts';
import { openModelCaller } from '../../providers/model-caller.ts';
import { CANARY_KEY, call, closeScripted, request, scripted, settingsFor } from './scripted-models.ts';

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail('the call succeeded'),
    (error: unknown) => error,
  );
const fiveTimes = async (calling: () => Promise<unknown>) => {
  for (let number = 1; number <= 5; number += 1) await failure(calling());
};

describe('what a caller does to a provider', () => {
  afterEach(closeScripted);

  it('keeps a provider open for others after too many calls, impatience and ears that fail', async () => {
    const calls = Array.from({ length: 129 }, () => ({ tool: 'look_up', arguments: {} }));
    const provider = await scripted(
      { expect: { contains: 'many' }, answer: { calls }, repeat: true },
      { expect: { contains: 'slow' }, answer: { chunks: ['a', { pauseMs: 5_000 }] }, repeat: true },
      { answer: { text: 'fine' }, repeat: true },
    );
    const models = await openModelCaller(settingsFor(provider.baseUrl));
    const ask = (text: string) => request({ messages: [{ role: 'user', text }] });
    const deaf = new Error('nobody listens');

    await fiveTimes(() => models.call(ask('many'), call()));
    await fiveTimes(() => models.call(ask('slow'), call({ callMs: 50 })));
    await fiveTimes(() => models.call(ask('slow'), call({ idleMs: 50 })));
    const thrown = await failure(
      models.call(
        ask('hello'),
        call({
          onText: () => {
            throw deaf;
          },
        }),
      ),
    );

    assert.equal(thrown, deaf);
    assert.equal(models.health()[0]?.isOpen, false);
    assert.equal((await models.call(ask('hello'), call())).text, 'fine');
  });

  it('hands on arguments that are nested too deep as their text', async () => {
    const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
    const provider = await scripted({ answer: { calls: [{ tool: 'look_up', arguments: deep }] } });
    const models = await openModelCaller(settingsFor(provider.baseUrl));

    const { calls } = await models.call(request(), call());

    assert.match(calls[0]?.fault ?? '', /deeper than 32 levels/);
    assert.equal(calls[0]?.arguments, deep.slice(0, 10_000));
  });

  it('never tells the beginning of a key that the end of a sentence cuts off', async () => {
    const provider = await scripted({ answer: { status: 400, message: `${'x'.repeat(490)}${CANARY_KEY}` } });
    const models = await openModelCaller(settingsFor(provider.baseUrl));

    const error = await failure(models.call(request(), call()));

    assert.ok(error instanceof ModelCallFailed && !error.message.includes('sk-canary'), String(error));
  });

  it('lets one call alone probe a provider after its minute, however long keys take', async () => {
    const provider = await scripted({ answer: { status: 500 }, repeat: true });
    const models = await openModelCaller(settingsFor(provider.baseUrl));
    await fiveTimes(() => models.call(request(), call()));
    const findKey = async () => {
      await pause(20);
      return { key: CANARY_KEY, source: 'tenant' };
    };
    const now = performance.now.bind(performance);

    performance.now = () => now() + 61_000;
    try {
      await failure(models.call(request(), call({ findKey: async () => null })));
      await Promise.all(Array.from({ length: 20 }, () => failure(models.call(request(), call({ findKey })))));
    } finally {
      performance.now = now;
    }

    assert.equal(provider.requests.length, 6, 'who has no key leaves the probe to the next one');
  });

  it('calls tools by names that providers take, and means the same by them in the answer', async () => {
    const tools = ['messages_send', 'messages.send', 'x'.repeat(70)].map((name) => ({
      name,
      description: 'Sends.',
      inputSchema: { type: 'object' },
    }));
    const wire = ['messages_send', 'messages_send_2', 'x'.repeat(64)];
    const asked = wire.map((name) => ({ tool: name, arguments: {} }));
    const provider = await scripted(
      { expect: { toolNames: wire }, answer: { calls: asked } },
      { expect: { contains: 'done' }, answer: { text: 'fine' } },
    );
    const models = await openModelCaller(settingsFor(provider.baseUrl));

    const { calls } = await models.call(request({ tools }), call());
    const results = calls.map(({ id, tool }) => ({ role: 'tool' as const, callId: id, tool, text: 'done' }));
    const told = { role: 'assistant' as const, text: '', calls };
    const answer = await models.call(request({ tools, messages: [told, ...results] }), call());

    assert.deepEqual(
      calls.map(({ tool }) => tool),
      tools.map(({ name }) => name),
    );
    assert.equal(answer.text, 'fine');
    const refused = await fetch(`${provider.baseUrl}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'm', messages: [], tools: [{ function: { name: 'messages.send' } }] }),
    });
    assert.equal(refused.status, 400);
  });
});
