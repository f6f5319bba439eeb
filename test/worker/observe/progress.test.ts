import assert from 'node:assert/strict';
import type { Invocation } from '../../../capabilities/invocation.ts';
import type { EffectRequest } from '../../../domain/agents/handler.ts';
import type { Json } from '../../../domain/json.ts';
import type { ReceivedMessage } from '../../../domain/messaging/received-message.ts';
import { type NodeEnding, Progress } from '../../../worker/observe/progress.ts';
import { type Repeating, Repetitions } from '../../../worker/observe/repetitions.ts';

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

  interface Context {
    effect(step: string, effect: EffectRequest<Json>): Promise<Json>;
  }
  const node = (traceId: string, attempt = 1): Invocation => {
    return { of: 'node', handler: 'looper', taskId: 'task', traceId, nodeId: 'loop', attempt };
  };
  /** A handler whose context tells the watch what it is asked for, as the capabilities do. */
  const watched = (handle: (input: unknown, context: Context) => unknown) => ({
    handle: (input: unknown, invocation: Invocation) => {
      const effect: Context['effect'] = (_step, { request, call }) => {
        progress.asked(invocation, { effect: request });
        return call('key');
      };
      return progress.call(invocation, input, () => handle(input, { effect }));
    },
  });
  const fetching = (address: string) => ({
    request: { address },
    call: async () => null,
    whenInDoubt: 'repeat' as const,
  });

  it('knows who works, and how each call ended and how long it took', async () => {
    const gate = Promise.withResolvers<string>();
    const handler = watched(() => gate.promise);
    const running = handler.handle('input', node('t'));
    const during = [...progress.working()];
    now = 250;
    gate.resolve('done');

    assert.equal(await running, 'done');
    await assert.rejects(
      async () =>
        watched(() => {
          throw new Error('no');
        }).handle('x', node('t')),
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

    await handler.handle('go', node('trace'));

    assert.deepEqual(found, [{ agent: 'looper', conversation: 'trace', period: 2 }]);
    assert.deepEqual(progress.repeating(), found);
  });

  it('reads nothing of what is asked for but its data, and leaves what is wrong with it to the border', () => {
    const wrong = [undefined, { effect: { toJSON: () => assert.fail('it was read') } }, { effect: () => null }];

    for (let round = 0; round < 9; round += 1) {
      for (const action of wrong) progress.asked(node('t'), action);
    }

    assert.deepEqual(found, []);
  });

  it('takes effects that ask for something new each time for work', async () => {
    const handler = watched(async (_input, given) => {
      for (let page = 0; page < 40; page += 1) await given.effect('read', fetching(`/page/${page}`));
    });

    await handler.handle('go', node('trace'));

    assert.deepEqual(found, []);
  });

  it('F11: finds an agent that is given the same input again and again in one trace, but for further attempts', async () => {
    const handler = watched(() => null);

    for (let attempt = 1; attempt <= 9; attempt += 1) await handler.handle({ draft: 1 }, node('retried', attempt));
    for (let trace = 1; trace <= 9; trace += 1) await handler.handle({ draft: 1 }, node(`trace ${trace}`));
    assert.deepEqual(found, []);
    for (let turn = 1; turn <= 5; turn += 1) await handler.handle({ draft: 1 }, node('turning'));

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

    for (let attempt = 1; attempt <= 9; attempt += 1) await handler.handle('go', node('t', attempt));

    assert.deepEqual(found, []);
  });

  it('F11: finds two agents that send each other the same again and again, and no slow schedule', async () => {
    const message = (from: string, text: string): ReceivedMessage =>
      ({ id: text, from, to: 'echo', payload: { text }, delivery: 1 }) as unknown as ReceivedMessage;
    const receive = (given: ReceivedMessage) => {
      const invocation: Invocation = { of: 'message', handler: 'echo', message: given };
      return progress.call(invocation, { received: given.payload }, () =>
        progress.asked(invocation, { send: 'caller', payload: { text: 'you said it' } }),
      );
    };

    for (let round = 0; round < 9; round += 1) await receive(message('worker', `job ${round}`));
    for (let round = 0; round < 9; round += 1) {
      now += 61_000;
      await receive(message('clock', 'tick'));
    }
    assert.deepEqual(found, []);
    for (let round = 0; round < 5; round += 1) await receive(message('parrot', 'you said it'));

    assert.deepEqual(found, [{ agent: 'echo', conversation: 'echo and parrot', period: 2 }]);
    assert.deepEqual([...progress.working()], []);
  });

  it('F11: counts an agent as repeating itself for a minute after its last action while its handler continues', async () => {
    const gate = Promise.withResolvers<void>();
    const handler = watched(async (_input, given) => {
      for (let round = 0; round < 5; round += 1) await given.effect('look', fetching('/a'));
      await gate.promise;
    });
    const running = handler.handle('go', node('t'));
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
