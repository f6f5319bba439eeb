import assert from 'node:assert/strict';
import { Probe } from '../../../worker/observe/health-probe.ts';

describe('the probe of a service', () => {
  it('says that it answers, or why it does not', async () => {
    const good = await new Probe(async () => 'PONG').ask();
    const bad = await new Probe(() => Promise.reject(new Error('refused'))).ask();

    assert.deepEqual([good.ok, good.reason], [true, null]);
    assert.deepEqual([bad.ok, bad.reason], [false, 'refused']);
  });

  it('asks once for all who want to know within a second', async () => {
    let asked = 0;
    const probe = new Probe(async () => {
      asked += 1;
    });

    await Promise.all([probe.ask(), probe.ask()]);
    await probe.ask();

    assert.equal(asked, 1);
  });

  it('F11: answers within its time for a service that hangs, and gathers no questions', async () => {
    let asked = 0;
    const answer = Promise.withResolvers<void>();
    const probe = new Probe(() => {
      asked += 1;
      return answer.promise;
    });

    const first = await probe.ask();
    const second = await probe.ask();
    answer.resolve();
    await answer.promise;
    await probe.ask();

    assert.deepEqual([first.ok, second.ok, asked], [false, false, 1]);
    assert.match(first.reason ?? '', /does not answer/);
  });
});
