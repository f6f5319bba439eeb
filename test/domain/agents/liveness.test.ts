import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  DEAD_AFTER_SECONDS,
  judgeSilence,
  RESTART_GRACE_SECONDS,
  SUSPECT_AFTER_SECONDS,
  type Vitals,
  WATCH_GRACE_SECONDS,
  type WatchState,
} from '../../../domain/agents/liveness.ts';
import type { AgentId } from '../../../domain/ids.ts';

const LONG: WatchState = { databaseUpSeconds: 10_000, watchingSeconds: 10_000 };

function agent(name: string, more: Partial<Vitals> = {}): Vitals {
  return { id: name as AgentId, name, beatAge: 1, leaseAge: 1, onBoard: true, ...more };
}
const silent = (name: string, beatAge: number) => agent(name, { beatAge, leaseAge: beatAge, onBoard: false });
const namesOf = (agents: readonly Vitals[]) => agents.map(({ name }) => name);

const anyAgent = fc.record({
  id: fc.uuid().map((id) => id as AgentId),
  name: fc.string(),
  beatAge: fc.option(fc.float({ min: 0, max: 1_000, noNaN: true })),
  leaseAge: fc.option(fc.float({ min: 0, max: 1_000, noNaN: true })),
  onBoard: fc.boolean(),
});

describe('who counts as dead', () => {
  it('C020: is suspected after 30 s of silence and dead after 45 s', () => {
    const crowd = ['a', 'b', 'c', 'd'].map((name) => agent(name));
    const at = (seconds: number) => judgeSilence([...crowd, silent('quiet', seconds)], LONG);

    assert.deepEqual(namesOf(at(SUSPECT_AFTER_SECONDS).suspects), []);
    assert.deepEqual(namesOf(at(SUSPECT_AFTER_SECONDS + 1).suspects), ['quiet']);
    assert.deepEqual(namesOf(at(DEAD_AFTER_SECONDS).dead), []);
    assert.deepEqual(namesOf(at(DEAD_AFTER_SECONDS + 1).dead), ['quiet']);
  });

  it('C020: is everybody when everybody is silent and nothing contradicts it', () => {
    assert.equal(judgeSilence([silent('a', 60), silent('b', 60)], LONG).dead.length, 2);
  });

  it('C13: is nobody within two periods of a start of the database, whatever the stores say', () => {
    fc.assert(
      fc.property(fc.array(anyAgent), fc.integer({ min: 0, max: RESTART_GRACE_SECONDS - 1 }), (vitals, up) => {
        assert.deepEqual(judgeSilence(vitals, { ...LONG, databaseUpSeconds: up }).dead, []);
      }),
    );
  });

  it('C13: is nobody before the supervisor has watched for three beats', () => {
    fc.assert(
      fc.property(fc.array(anyAgent), fc.integer({ min: 0, max: WATCH_GRACE_SECONDS - 1 }), (vitals, watching) => {
        assert.deepEqual(judgeSilence(vitals, { ...LONG, watchingSeconds: watching }).dead, []);
      }),
    );
  });

  it('C13: is never one who beat within 45 s', () => {
    let died = 0;
    fc.assert(
      fc.property(fc.array(anyAgent), (vitals) => {
        const dead = judgeSilence(vitals, LONG).dead;
        died += dead.length;
        assert.ok(dead.every(({ beatAge }) => beatAge === null || beatAge > DEAD_AFTER_SECONDS));
      }),
    );
    assert.ok(died > 0, 'nobody was judged dead');
  });

  it('C13: is nobody when most heartbeats vanish and the leases or Redis say alive', () => {
    const emptied = ['a', 'b', 'c'].map((name) => agent(name, { beatAge: null, onBoard: false }));
    const onBoardOnly = ['a', 'b', 'c'].map((name) => agent(name, { beatAge: 300, leaseAge: null }));

    assert.deepEqual(judgeSilence(emptied, LONG), { suspects: [], dead: [], waiting: 'heartbeats_missing' });
    assert.deepEqual(judgeSilence(onBoardOnly, LONG).dead, []);
  });

  it('takes a missing heartbeat for nothing while the lease is renewed, and for death once nothing speaks for it', () => {
    const crowd = ['a', 'b', 'c'].map((name) => agent(name));
    const leased = agent('leased', { beatAge: null, onBoard: false });
    const shown = agent('shown', { beatAge: null, leaseAge: null });
    const gone = agent('gone', { beatAge: null, leaseAge: null, onBoard: false });

    assert.deepEqual(namesOf(judgeSilence([...crowd, leased, shown, gone], LONG).dead), ['gone']);
  });
});
