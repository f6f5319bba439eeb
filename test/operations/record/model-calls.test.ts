import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ModelAnswer } from '../../../domain/models/model-messages.ts';
import type { ExecutionRef } from '../../../domain/tasks/execution.ts';
import { BudgetReservation } from '../../../entities/budgets/budget-reservation.ts';
import { ModelCall } from '../../../entities/thinking/model-call.ts';
import type { Recorder } from '../../../operations/record/recorder.ts';
import { recording } from '../../../operations/record/recording.ts';
import { ClaimBed } from '../../dispatcher/claim-bed.ts';

const FAILURE = { code: 'model_unavailable', message: 'as the test says' };
const ANSWER: ModelAnswer = {
  ...{ provider: 'main', model: 'm-1', start: 0, text: 'Hello', calls: [], finish: 'stop' },
  usage: { inputTokens: 10, cachedTokens: 0, outputTokens: 2, reasoningTokens: 0 },
  ...{ costMicros: 5, lost: { tokens: 0, costMicros: 0 }, keySource: 'none' },
};

describe('a model call that another worker has made again', () => {
  let bed: ClaimBed;
  let execution: ExecutionRef;
  let stale: string;
  let live: string;

  before(async () => {
    bed = await ClaimBed.open('model-calls');
  });
  after(() => bed?.close());
  beforeEach(async () => {
    const [task] = await bed.claim(await bed.insert());
    assert.ok(task);
    execution = task.execution;
    [stale, live] = [randomUUID(), randomUUID()];
    await announce(stale, null);
    await announce(live, stale);
  });

  const log = { error: (_: object, message: string) => assert.fail(message) };
  const record = <Result>(work: (recorder: Recorder) => Promise<Result>) =>
    recording({ units: bed.database, log }, execution.tenant, ({ recorder }) => work(recorder));
  const step = (claim: string) => ({ execution, path: 'think', step: 1, claim });
  const announce = (claim: string, after: string | null, reservation: string | null = null) =>
    record((recorder) =>
      recorder.modelCallAnnounced({
        ...{ ...step(claim), after, agent: 'thinker', model: 'default', process: claim },
        ...{ requestHash: 'hash', context: null, reservation },
      }),
    );
  const row = () =>
    bed.database.inTenant(execution.tenant, ({ em }) => em.findOne(ModelCall, { traceId: execution.traceId }));

  it('is not failed, postponed or put in doubt by the worker that made it before', async () => {
    const failures = await record((recorder) => recorder.modelCallFailed(step(stale), FAILURE));
    const doubted = await record((recorder) => recorder.modelCallDoubted(step(stale)));
    await record((recorder) => recorder.modelCallLeft(step(stale)));
    await record((recorder) => recorder.modelCallPostponed(step(stale), 60_000));

    const call = await row();
    assert.deepEqual([failures, doubted], [null, false]);
    assert.deepEqual([call?.state, call?.failures, call?.retryAt ?? null], ['pending', 0, null]);
  });

  it('is not postponed by it after it has failed', async () => {
    await record((recorder) => recorder.modelCallFailed(step(live), FAILURE));

    const failures = await record((recorder) => recorder.modelCallFailed(step(stale), FAILURE));
    await record((recorder) => recorder.modelCallPostponed(step(stale), 60_000));

    assert.equal(failures, null);
    assert.equal((await row())?.retryAt ?? null, null);
  });

  it('fails once under its own claim, however often that is recorded', async () => {
    const fail = () => record((recorder) => recorder.modelCallFailed(step(live), FAILURE));

    assert.deepEqual([await fail(), await fail()], [1, 1]);

    const again = randomUUID();
    await announce(again, live);
    assert.equal(await record((recorder) => recorder.modelCallFailed(step(again), FAILURE)), 2);
  });

  it('is in doubt once under the claim with which it was found, also when a worker left it', async () => {
    await record((recorder) => recorder.modelCallLeft(step(live)));
    const doubt = () => record((recorder) => recorder.modelCallDoubted(step(live)));

    assert.deepEqual([await doubt(), await doubt()], [true, true]);
    assert.equal((await row())?.state, 'in_doubt');
  });

  it('stays answered', async () => {
    const answered = { ...step(live), answer: ANSWER, fault: null, agent: 'thinker', asked: [], event: {} };
    assert.equal(await record((recorder) => recorder.modelAnswered(answered)), true);

    assert.equal(await record((recorder) => recorder.modelCallFailed(step(live), FAILURE)), null);
    assert.equal(await record((recorder) => recorder.modelCallDoubted(step(live))), false);
    assert.equal((await row())?.state, 'done');
  });

  describe('with a budget reservation', () => {
    const reserve = (state: 'held' | 'released') =>
      bed.database.inTenant(execution.tenant, ({ em }) =>
        em.insert(BudgetReservation, {
          ...{ tenantId: execution.tenant, key, scopes: [], process: 'none', state },
          ...{ tokens: 1, costMicros: 1, steps: 1 },
        }),
      );
    const reservation = () =>
      bed.database.inTenant(execution.tenant, ({ em }) => em.findOneOrFail(BudgetReservation, { key }));

    let key: string;
    beforeEach(() => {
      key = randomUUID();
    });

    it('begins it together with the announcement, also where that is repeated', async () => {
      await reserve('held');
      const claim = randomUUID();

      const times = [await announce(claim, live, key), await announce(claim, live, key)];

      const { state, process } = await reservation();
      assert.deepEqual([times, state, process], [[3, 3], 'begun', claim]);
    });

    it('is not announced where the reservation has ended', async () => {
      await reserve('released');

      assert.equal(await announce(randomUUID(), live, key), 'unreserved');
      assert.deepEqual([(await row())?.claim, (await reservation()).state], [live, 'released']);
    });

    it('leaves the reservation to the one who has announced the call meanwhile', async () => {
      await reserve('held');

      assert.equal(await announce(randomUUID(), stale, key), 'overtaken');
      assert.deepEqual([(await row())?.claim, (await reservation()).state], [live, 'held']);
    });
  });
});
