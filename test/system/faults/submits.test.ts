import assert from 'node:assert/strict';
import { LARGE, report, World } from './world.ts';

const KEYS = LARGE ? 1_000 : 20;
const AT_ONCE = 50;
/** Keys that are submitted side by side. */
const LANES = 4;

describe('submits under one key', function () {
  this.timeout(LARGE ? 1_200_000 : 60_000);
  let world: World;
  before(async () => {
    world = await World.open('submits');
  });
  after(() => World.closeAll());

  it('F1: fifty at once under each key make one task each and return the same id every time', async () => {
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      for (let index = lane; index < KEYS; index += LANES) {
        const submits = Array.from({ length: AT_ONCE }, () => world.submit('quick', `key-${index}`));
        await Promise.all(submits);
      }
    });
    await Promise.all(lanes);

    assert.equal(world.history.entries.length, KEYS * AT_ONCE);
    const others = world.history.entries.flatMap(({ outcome }) => (outcome.kind === 'ok' ? [] : [outcome.error]));
    assert.deepEqual(others, []);
    // Throws when a key was given two ids.
    const acknowledged = world.history.acknowledged();
    const first = world.history.entries.filter(({ outcome }) => outcome.kind === 'ok' && !outcome.duplicate);
    assert.deepEqual([acknowledged.size, first.length, await world.count('true')], [KEYS, KEYS, KEYS]);
    report(`${KEYS * AT_ONCE} submits, ${KEYS} tasks; the slowest took ${world.history.slowest().toFixed(0)} ms`);
  });

  it('F1: another input under a known key is refused and changes nothing', async () => {
    await assert.rejects(world.client.submit('quick', { label: 'another' }, { key: 'key-0' }), {
      code: 'idempotency_conflict',
    });

    assert.equal(await world.count('true'), KEYS);
  });
});
