import assert from 'node:assert/strict';
import { FAULT_KINDS, type FaultTarget, planFaults } from './schedule.ts';

const SEEDS = Array.from({ length: 200 }, (_, index) => index * 7_919 + 1);

describe('the schedule of faults', () => {
  it('is the same for the same seed and another one for another', () => {
    const faults = planFaults({ seed: 17, seconds: 60 });

    assert.deepEqual(planFaults({ seed: 17, seconds: 60 }), faults);
    assert.notDeepEqual(planFaults({ seed: 18, seconds: 60 }), faults);
  });

  it('reaches every target within a minute, whatever the seed', () => {
    for (const seed of SEEDS) {
      const reached = new Set(planFaults({ seed, seconds: 60 }).map((fault) => fault.target));

      assert.deepEqual([...reached].sort(), Object.keys(FAULT_KINDS).sort(), `seed ${seed}`);
    }
  });

  it('comes to every kind of every target over many seeds, and some faults come on top of others', () => {
    const all = SEEDS.flatMap((seed) => planFaults({ seed, seconds: 60 }));
    const seen = new Set(all.map((fault) => `${fault.target} ${fault.kind}`));
    const known = (Object.keys(FAULT_KINDS) as FaultTarget[]).flatMap((target) =>
      FAULT_KINDS[target].map((kind) => `${target} ${kind}`),
    );
    const stacked = SEEDS.filter((seed) => {
      const faults = planFaults({ seed, seconds: 60 });
      return faults.some((fault, index) => {
        const next = faults[index + 1];
        return next !== undefined && next.atMs < fault.atMs + fault.forMs + 2_000;
      });
    });

    assert.deepEqual([...seen].sort(), known.sort());
    assert.ok(stacked.length > SEEDS.length / 2, `only ${stacked.length} of ${SEEDS.length} runs stack faults`);
  });

  it('ends every fault within the time, and each lasts about five seconds', () => {
    const all = SEEDS.flatMap((seed) => planFaults({ seed, seconds: 60 }));
    const meanMs = all.reduce((sum, fault) => sum + fault.forMs, 0) / all.length;

    assert.ok(all.every((fault) => fault.atMs + fault.forMs <= 60_000));
    assert.ok(meanMs > 3_000 && meanMs < 6_000, `${meanMs} ms`);
  });
});
