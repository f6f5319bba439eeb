import assert from 'node:assert/strict';
import { z } from 'zod';
import type { EffectRequest, Handler, HandlerContext } from '../../domain/agents/handler.ts';
import type { Json } from '../../domain/json.ts';
import type { ReceiveContext, ReceivedMessage } from '../../domain/messaging/received-message.ts';
import { defineAgent } from '../../index.ts';
import { type NodeEnding, Progress } from '../../worker/observe/progress.ts';
import { type Repeating, Repetitions } from '../../worker/observe/repetitions.ts';

describe('the progress of a worker', () => {
  let now = 0;
  let found: Repeating[];
  let endings: NodeEnding[];
  let progress: Progress;

  beforeEach(() => {
    now = 0;
    found = [];
    endings = [];
    progress = new Progress({
      repeats: (repeating) => found.push(repeating),
      ended: (ending) => endings.push(ending),
      now: () => now,
    });
  });

  function context(traceId: string, attempt = 1): HandlerContext {
    const effect = <Result extends Json>(_step: string, { call }: EffectRequest<Result>) => call('key');
    return { traceId, attempt, effect } as unknown as HandlerContext;
  }
  const watched = (handle: Handler['handle']): Handler => {
    const agent = defineAgent({ name: 'looper', input: z.unknown(), output: z.unknown(), handle });
    const handlers = progress.watch(new Map([['agent:looper', agent as Handler]]));
    return handlers.get('agent:looper') ?? assert.fail('it is not there');
  };
  const fetching = (address: string) => ({
    request: { address },
    call: async () => null,
    whenInDoubt: 'repeat' as const,
  });

  it('knows who works, and how each call ended and how long it took', async () => {
    const gate = Promise.withResolvers<string>();
    const handler = watched(() => gate.promise);
    const running = handler.handle('input', context('t'));
    const during = [...progress.working()];
    now = 250;
    gate.resolve('done');

    assert.equal(await running, 'done');
    await assert.rejects(
      async () =>
        watched(() => {
          throw new Error('no');
        }).handle('x', context('t')),
      /no/,
    );
    assert.deepEqual(during, ['looper']);
    assert.deepEqual([...progress.working()], []);
    assert.deepEqual(endings, [
      { agent: 'looper', outcome: 'ok', durationMs: 250 },
      { agent: 'looper', outcome: 'failed', durationMs: 0 },
    ]);
  });

  it('F11: finds an agent that does the same effects again and again, whatever it calls their steps', async () => {
    const handler = watched(async (_input, given) => {
      for (let round = 0; round < 6; round += 1) {
        await given.effect(`look ${round}`, fetching('/a'));
        await given.effect(`read ${round}`, fetching('/b'));
      }
    });

    await handler.handle('go', context('trace'));

    assert.deepEqual(found, [{ agent: 'looper', conversation: 'trace', period: 2 }]);
    assert.deepEqual(progress.repeating(), found);
  });

  it('reads nothing of an effect but its data, and leaves what is wrong with it to the border', async () => {
    const unreadable = Object.defineProperty({}, 'request', { get: () => assert.fail('it was read') });
    const asked: unknown[] = [];
    const effect = async (_step: string, given: unknown) => void asked.push(given);
    const wrong = [undefined, null, 'text', unreadable, { request: { toJSON: () => assert.fail('it was read') } }];
    const handler = watched(async (_input, given) => {
      for (const one of wrong) await (given.effect as typeof effect)('step', one);
    });

    await handler.handle('go', { traceId: 't', attempt: 1, effect } as unknown as HandlerContext);

    assert.deepEqual(
      asked.map((given, index) => given === wrong[index]),
      wrong.map(() => true),
    );
  });

  it('takes effects that ask for something new each time for work', async () => {
    const handler = watched(async (_input, given) => {
      for (let page = 0; page < 40; page += 1) await given.effect('read', fetching(`/page/${page}`));
    });

    await handler.handle('go', context('trace'));

    assert.deepEqual(found, []);
  });

  it('F11: finds an agent that is given the same input again and again in one trace, but for further attempts', async () => {
    const handler = watched(() => null);

    for (let attempt = 1; attempt <= 9; attempt += 1) await handler.handle({ draft: 1 }, context('retried', attempt));
    for (let trace = 1; trace <= 9; trace += 1) await handler.handle({ draft: 1 }, context(`trace ${trace}`));
    assert.deepEqual(found, []);
    for (let turn = 1; turn <= 5; turn += 1) await handler.handle({ draft: 1 }, context('turning'));

    assert.deepEqual(found, [{ agent: 'looper', conversation: 'turning', period: 1 }]);
  });

  it('no longer counts an agent as repeating itself that has done something else, or nothing for ten seconds', () => {
    const repetitions = new Repetitions({ begins: (repeating) => found.push(repeating), now: () => now });
    const act = (action: unknown) => repetitions.acted({ agent: 'a', conversation: 'c', action });
    for (let round = 0; round < 5; round += 1) act('again');
    const during = repetitions.current().length;
    act('something else');
    const changed = repetitions.current().length;
    for (let round = 0; round < 5; round += 1) act('again');
    now = 10_001;

    assert.deepEqual([during, changed, repetitions.current().length, found.length], [1, 0, 0, 2]);
  });

  it('takes an effect that each of many attempts does again for no repetition', async () => {
    const handler = watched((_input, given) => given.effect('look', fetching('/a')));

    for (let attempt = 1; attempt <= 9; attempt += 1) await handler.handle('go', context('t', attempt));

    assert.deepEqual(found, []);
  });

  it('F11: finds two agents that send each other the same again and again, and no slow schedule', async () => {
    const send = async () => ({ id: 'm', duplicate: false });
    const given = { messages: { send } } as unknown as ReceiveContext;
    const receive = progress.watchReceive('echo', async (_message, { messages }) => {
      await messages.send('back', 'caller', { text: 'you said it' });
    });
    const message = (from: string, text: string): ReceivedMessage =>
      ({ id: text, from, to: 'echo', payload: { text }, delivery: 1 }) as unknown as ReceivedMessage;

    for (let round = 0; round < 9; round += 1) await receive(message('worker', `job ${round}`), given);
    for (let round = 0; round < 9; round += 1) {
      now += 61_000;
      await receive(message('clock', 'tick'), given);
    }
    assert.deepEqual(found, []);
    for (let round = 0; round < 5; round += 1) await receive(message('parrot', 'you said it'), given);

    assert.deepEqual(found, [{ agent: 'echo', conversation: 'echo and parrot', period: 2 }]);
    assert.deepEqual([...progress.working()], []);
  });

  it('F11: counts an agent as repeating itself for a minute after its last action while its handler goes on', async () => {
    const gate = Promise.withResolvers<void>();
    const handler = watched(async (_input, given) => {
      for (let round = 0; round < 5; round += 1) await given.effect('look', fetching('/a'));
      await gate.promise;
    });
    const running = handler.handle('go', context('t'));
    await new Promise((resolve) => setImmediate(resolve));
    const counts = [59_000, 61_000].map((at) => {
      now = at;
      return progress.repeating().length;
    });
    gate.resolve();
    await running;

    assert.deepEqual(counts, [1, 0]);
  });

  it('tells long texts apart by length, beginning and end, and never takes what cannot be compared for the same', () => {
    const repetitions = new Repetitions({ begins: (repeating) => found.push(repeating), now: () => now });
    const act = (action: unknown) => repetitions.acted({ agent: 'a', conversation: 'c', action });
    const circle: { self?: unknown } = {};
    circle.self = circle;
    for (let round = 0; round < 9; round += 1) act(circle);
    for (let length = 5_000; length < 5_009; length += 1) act('x'.repeat(length));

    assert.deepEqual(found, []);
    for (let round = 0; round < 5; round += 1) act('x'.repeat(9_000));
    assert.equal(found.length, 1);
  });
});
