import assert from 'node:assert/strict';
import { MusterError } from '../../domain/errors.ts';
import { openModelCaller } from '../../providers/model-caller.ts';
import { CANARY_KEY, call, closeScripted, request, scripted, settingsFor } from './scripted-models.ts';

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail('the call succeeded'),
    (error: unknown) => {
      assert.ok(error instanceof MusterError, String(error));
      return error;
    },
  );
const tool = { name: 'look_up', description: 'Looks up an order.', inputSchema: { type: 'object' } };

describe('a model call', () => {
  afterEach(closeScripted);

  it('answers with text, usage and cost, and tells the text as it comes', async () => {
    const usage = { input: 1_000, cached: 400, output: 50, reasoning: 20 };
    const provider = await scripted({ expect: { contains: 'Hello' }, answer: { chunks: ['Good ', 'day'], usage } });
    const models = await openModelCaller(settingsFor(provider.baseUrl));
    const heard: string[] = [];

    const answer = await models.call(request(), call({ onText: (delta) => heard.push(delta) }));

    assert.deepEqual(answer, {
      ...{ provider: 'p1', model: 'scripted-1', text: 'Good day', calls: [], finish: 'stop', keySource: 'tenant' },
      usage: { inputTokens: 1_000, cachedTokens: 400, outputTokens: 50, reasoningTokens: 20 },
      costMicros: 600 + 40 + 200,
      ...{ start: 0, lost: { tokens: 0, costMicros: 0 } },
    });
    assert.deepEqual(heard, ['Good ', 'day']);
    assert.equal(provider.requests[0]?.authorization, `Bearer ${CANARY_KEY}`);
    assert.deepEqual(await provider.close(), []);
  });

  it('hands on tool calls, those of unknown tools and of arguments that cannot be used included', async () => {
    const provider = await scripted({
      expect: { toolNames: ['look_up'] },
      answer: {
        calls: [
          { tool: 'look_up', arguments: { order: 7 }, id: 'a' },
          { tool: 'erase', arguments: {}, id: 'a' },
          { tool: 'look_up', arguments: '{"order": ', id: 'c' },
          { tool: 'look_up', arguments: '{"order": "\\u0000\\ud800"}', id: 'd' },
          { tool: 'look_up', arguments: `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, id: 'e' },
          { tool: 'look_up', arguments: '{"__proto__": {"polluted": true}}', id: 'f' },
        ],
      },
    });
    const models = await openModelCaller(settingsFor(provider.baseUrl));

    const { calls, finish } = await models.call(request({ tools: [tool] }), call());

    assert.equal(finish, 'tool_calls');
    assert.deepEqual(calls[0], { id: 'a', tool: 'look_up', arguments: { order: 7 } });
    assert.deepEqual([calls[1]?.tool, calls[1]?.arguments], ['erase', {}]);
    assert.equal(new Set(calls.map(({ id }) => id)).size, 6, 'each has an id of its own');
    assert.deepEqual(
      calls.slice(2).map(({ arguments: given, fault }) => [typeof given, fault]),
      [
        ['string', 'The arguments are not a JSON object.'],
        ['string', 'The arguments hold a text with a NUL character at /order.'],
        ['string', 'The arguments are deeper than 32 levels or have more than 1000 fields and items.'],
        ['string', 'The arguments have a field named "__proto__".'],
      ],
    );
    assert.equal(calls[3]?.arguments, '{"order": "\\u0000\\ud800"}');
  });

  it('tells a text piece by piece as it answers it, and of its tools their names alone', async () => {
    const chunks = ['a\ud83d', '\ude00b\u0000', '\ud83d', 'c', '\ude00', 'end\ud83d'];
    const calls = [
      { tool: 'look_up', arguments: { order: 'secret' } },
      { tool: 'erase', arguments: {} },
    ];
    const provider = await scripted({ answer: { chunks, calls } });
    const models = await openModelCaller(settingsFor(provider.baseUrl));
    const told: string[] = [];
    const tools: string[] = [];

    const answer = await models.call(request({ tools: [tool] }), {
      ...call(),
      onText: (delta) => void told.push(delta),
      onTool: (name) => void tools.push(name),
    });

    assert.equal(told.join(''), answer.text);
    assert.equal(answer.text, 'a😀b\\u0000\\ud83dc\\ude00end\\ud83d');
    assert.ok(told.every((piece) => piece.isWellFormed()));
    assert.deepEqual(tools, ['look_up'], "a name that is none of the request's is foreign text");
  });

  it('sends the conversation with its tool results, and the schema of the answer', async () => {
    const provider = await scripted({ answer: { text: '{"ok":true}' } });
    const models = await openModelCaller(settingsFor(provider.baseUrl));
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } } };
    const asked = { id: 'a', tool: 'look_up', arguments: { order: 7 } };

    await models.call(
      request({
        messages: [
          { role: 'system', text: 'Be brief.' },
          { role: 'user', text: 'Where is it?' },
          { role: 'assistant', text: '', calls: [asked] },
          { role: 'tool', callId: 'a', tool: 'look_up', text: 'On its way.' },
        ],
        tools: [tool],
        output: schema,
        maxOutputTokens: 5_000,
      }),
      call(),
    );

    const body = provider.requests[0]?.body as Record<string, unknown>;
    assert.deepEqual(body.messages, [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Where is it?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'look_up', arguments: '{"order":7}' } }],
      },
      { role: 'tool', tool_call_id: 'a', content: 'On its way.' },
    ]);
    assert.deepEqual(body.response_format, {
      type: 'json_schema',
      json_schema: { name: 'answer', strict: false, schema },
    });
    assert.equal(body.max_tokens, 1_000, 'never more than the settings allow');
  });

  it('goes to the next provider where one is unavailable, and says which start the text belongs to', async () => {
    const first = await scripted({ answer: { chunks: ['Half'], cut: true } });
    const second = await scripted({ answer: { text: 'Whole' } });
    const models = await openModelCaller(settingsFor(first.baseUrl, second.baseUrl));
    const heard: [string, number][] = [];

    const answer = await models.call(request(), call({ onText: (delta, start) => heard.push([delta, start]) }));

    assert.deepEqual([answer.provider, answer.text], ['p2', 'Whole']);
    assert.deepEqual(heard, [
      ['Half', 0],
      ['Whole', 1],
    ]);
  });

  it('is unavailable when no provider answers, as long as the most patient one asks', async () => {
    const [busy, broken] = [
      await scripted({ answer: { status: 429, retryAfter: 7 } }),
      await scripted({ answer: { status: 503 } }),
    ];
    const models = await openModelCaller(settingsFor(busy.baseUrl, broken.baseUrl));

    const error = await failure(models.call(request(), call()));

    assert.deepEqual([error.code, error.retryable, error.facts.retryAfterMs], ['model_unavailable', true, 7_000]);
    assert.match(error.message, /p1: status 429.*p2: status 503/);
  });

  it('is final after an answer of the 400 class, and asks no other provider', async () => {
    const first = await scripted({ answer: { status: 400, message: 'no such model' } });
    const second = await scripted({ answer: { text: 'never' } });
    const models = await openModelCaller(settingsFor(first.baseUrl, second.baseUrl));

    const error = await failure(models.call(request(), call()));

    assert.deepEqual([error.code, error.retryable, error.facts.status], ['model_refused', false, 400]);
    assert.match(error.message, /no such model/);
    assert.equal(second.requests.length, 0);
  });

  it('calls nobody without a key, and says how to set one', async () => {
    const provider = await scripted({ answer: { text: 'never' } });
    const models = await openModelCaller(settingsFor(provider.baseUrl));

    const error = await failure(models.call(request(), call({ findKey: async () => null })));

    assert.equal(error.code, 'model_key_missing');
    assert.match(error.message, /muster models key set p1/);
    assert.equal(provider.requests.length, 0);
  });

  it('ends when a stream is silent for too long, and when the whole takes too long', async () => {
    const provider = await scripted(
      { answer: { text: 'Wait', stall: true } },
      { answer: { chunks: ['a', { pauseMs: 150 }, 'b', { pauseMs: 150 }, 'c', { pauseMs: 5_000 }] } },
    );
    const models = await openModelCaller(settingsFor(provider.baseUrl));

    const silent = await failure(models.call(request(), call({ idleMs: 200 })));
    const slow = await failure(models.call(request(), call({ callMs: 400 })));

    assert.deepEqual([silent.code, slow.code], ['model_unavailable', 'model_unavailable']);
    assert.match(silent.message, /nothing came for 200 ms/);
    assert.match(slow.message, /not complete after \d+ ms/);
  });

  it('keeps calls apart that are under way together: each has its own key and its own patience', async () => {
    const provider = await scripted(
      { expect: { contains: 'one' }, answer: { text: 'Wait', stall: true } },
      { expect: { contains: 'two' }, answer: { chunks: ['a', { pauseMs: 500 }, 'b'] } },
    );
    const models = await openModelCaller(settingsFor(provider.baseUrl));
    const ask = (text: string, idleMs: number) =>
      models.call(
        request({ messages: [{ role: 'user', text }] }),
        call({ idleMs, findKey: async () => ({ key: `key-of-${text}`, source: 'user' }) }),
      );

    const [stalled, answered] = await Promise.all([failure(ask('one', 200)), ask('two', 5_000)]);

    assert.match(stalled.message, /nothing came for 200 ms/);
    assert.equal(answered.text, 'ab');
    assert.deepEqual(provider.requests.map(({ text, authorization }) => [text, authorization]).toSorted(), [
      ['one', 'Bearer key-of-one'],
      ['two', 'Bearer key-of-two'],
    ]);
  });

  it("throws the caller's own reason when it gives up", async () => {
    const provider = await scripted({ answer: { text: 'Wait', stall: true } });
    const models = await openModelCaller(settingsFor(provider.baseUrl));
    const stop = new AbortController();
    const reason = new Error('the task was cancelled');

    const calling = models.call(request(), call({ signal: stop.signal, onText: () => stop.abort(reason) }));

    await assert.rejects(calling, (error) => error === reason);
  });

  it('stops reading an answer of more than five million characters', async () => {
    const piece = 'x'.repeat(500_000);
    const provider = await scripted({ answer: { chunks: Array.from({ length: 40 }, () => piece) } });
    const models = await openModelCaller(settingsFor(provider.baseUrl));
    let heard = 0;

    const error = await failure(models.call(request(), call({ onText: (delta) => (heard += delta.length) })));

    assert.equal(error.code, 'model_refused');
    assert.match(error.message, /larger than 5000000 characters/);
    assert.ok(heard <= 5_500_000, `${heard} characters were read`);
  });

  it('never tells a key, whatever a provider says of it', async () => {
    const told = `Incorrect API key provided: ${CANARY_KEY}`;
    const turns = [401, 403, 400, 429, 500].map((status) => ({ answer: { status, message: told } }));
    const provider = await scripted(...turns, { answer: { cut: true } }, { answer: { stall: true } });
    const models = await openModelCaller(settingsFor(provider.baseUrl));

    const errors = [];
    for (const _ of provider.requests.length === 0 ? [...turns, 'cut', 'stall'] : []) {
      errors.push(await failure(models.call(request(), call({ idleMs: 100 }))));
    }

    assert.deepEqual(
      errors.map(({ code }) => code),
      [
        ...['model_key_missing', 'model_refused', 'model_refused'],
        ...['model_unavailable', 'model_unavailable', 'model_unavailable', 'model_unavailable'],
      ],
    );
    const all = errors.map((error) => `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).join('\n');
    assert.ok(all.includes('[key]') && !all.includes(CANARY_KEY));
  });

  it('leaves a provider alone after five failures in a row', async () => {
    const provider = await scripted({ answer: { status: 500 }, repeat: true });
    const told: [number, boolean][] = [];
    const models = await openModelCaller(settingsFor(provider.baseUrl), ({ health, isOpen }) => {
      told.push([Number(health.toFixed(2)), isOpen]);
    });
    for (let number = 1; number <= 5; number += 1) await failure(models.call(request(), call()));

    const error = await failure(models.call(request(), call()));

    assert.equal(provider.requests.length, 5);
    assert.equal(error.code, 'model_unavailable');
    assert.ok(Number(error.facts.retryAfterMs) > 50_000, 'it says when the provider is tried again');
    assert.equal(models.health()[0]?.isOpen, true);
    assert.deepEqual(told, [
      [0.4, false],
      [0.32, false],
      [0.26, false],
      [0.2, false],
      [0.16, true],
    ]);
  });

  it('states the most that a call can come to', async () => {
    const models = await openModelCaller(settingsFor('http://127.0.0.1:9'));

    assert.deepEqual(models.estimate(request({ messages: [{ role: 'user', text: 'x'.repeat(400) }] })), {
      tokens: 104 + 1_000,
      costMicros: 104 + 4_000,
    });
    assert.throws(() => models.estimate(request({ model: 'defualt' })), /did you mean default\?/);
  });
});
