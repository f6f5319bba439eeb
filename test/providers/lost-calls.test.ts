import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { lostWith, ModelCallFailed } from '../../domain/models/model-errors.ts';
import { type ModelCaller, openModelCaller } from '../../providers/model-caller.ts';
import type { WrittenScript } from '../../providers/scripted/script.ts';
import { call, closeScripted, request, scripted, settingsFor } from './scripted-models.ts';

type Answer = WrittenScript['turns'][number]['answer'];
const NOTHING = { tokens: 0, costMicros: 0 };
const patience = call({ idleMs: 150 });

describe('what a model call without an answer may have cost', () => {
  afterEach(closeScripted);

  const openFor = async (...answers: readonly Answer[]) => {
    const urls = [];
    for (const answer of answers) urls.push((await scripted({ answer })).baseUrl);
    return openModelCaller(settingsFor(...urls));
  };
  const lostBy = async (models: ModelCaller) => {
    const error: unknown = await models.call(request(), patience).catch((reason: unknown) => reason);
    assert.ok(error instanceof ModelCallFailed, String(error));
    return error.lost;
  };

  const paid: Readonly<Record<string, Answer>> = {
    'a stream that is cut': { text: 'Half', cut: true },
    'a stream that falls silent': { text: 'Half', stall: true },
    'a stream that is cut before its first word': { cut: true },
    'an answer that is too large': { chunks: Array.from({ length: 12 }, () => 'x'.repeat(500_000)) },
  };
  for (const [what, answer] of Object.entries(paid)) {
    it(`K030: is its estimate after ${what}`, async () => {
      const models = await openFor(answer);

      assert.deepEqual(await lostBy(models), models.estimate(request()));
    });
  }

  for (const status of [301, 400, 401, 429, 503]) {
    it(`K030: is nothing after a status ${status}`, async () => {
      assert.deepEqual(await lostBy(await openFor({ status })), NOTHING);
    });
  }

  it('K030: is nothing where nobody listens, where the name is unknown, and without a key', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    await new Promise((resolve) => taken.close(resolve));

    const nobody = await lostBy(await openModelCaller(settingsFor(`http://127.0.0.1:${port}/v1`)));
    const unknown = await lostBy(await openModelCaller(settingsFor('http://nobody.invalid/v1')));
    const models = await openFor({ text: 'never' });
    const keyless = await models.call(request(), call({ findKey: async () => null })).catch(({ lost }) => lost);

    assert.deepEqual([nobody, unknown, keyless], [NOTHING, NOTHING, NOTHING]);
  });

  for (const ends of ['its key cannot be read', 'its caller stops']) {
    it(`K030: is told with the error where a way broke off and, at the next one, ${ends}`, async () => {
      const models = await openFor({ text: 'Half', cut: true }, { text: 'never' });
      const stop = new AbortController();
      const reason = new Error(ends);
      const findKey = async (provider: string) => {
        if (provider === 'p1') return { key: 'one', source: 'tenant' };
        if (ends === 'its caller stops') stop.abort(reason);
        else throw reason;
        return { key: 'two', source: 'tenant' };
      };

      const ended = await models
        .call(request(), call({ findKey, signal: stop.signal }))
        .catch((error: unknown) => error);

      assert.equal(ended, reason);
      assert.deepEqual(lostWith(ended), models.estimate(request()));
    });
  }

  it('K030: is told with the answer of a later way, and with the refusal of one', async () => {
    const answered = await openFor({ text: 'Half', cut: true }, { status: 503 }, { text: 'Whole' });
    const refused = await openFor({ text: 'Half', cut: true }, { text: 'Half', stall: true }, { status: 401 });
    const one = answered.estimate(request());

    const answer = await answered.call(request(), patience);

    assert.deepEqual([answer.text, answer.start, answer.lost], ['Whole', 2, one]);
    assert.deepEqual(await lostBy(refused), { tokens: 2 * one.tokens, costMicros: 2 * one.costMicros });
  });
});
