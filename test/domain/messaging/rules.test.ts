import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DIRECTOR_INTENTS, delegate } from '../../../domain/messaging/delegation.ts';
import { afterFailedDelivery, MAX_DELIVERIES } from '../../../domain/messaging/message-status.ts';
import { findWaitCircle, type Wait } from '../../../domain/messaging/wait-circle.ts';

describe('a delivery that failed', () => {
  it('is repeated after 1, 2, 4 and 8 seconds and then given up', () => {
    const ends = [1, 2, 3, 4, 5].map((deliveries) => afterFailedDelivery(deliveries, true));

    assert.deepEqual(ends, [
      { kind: 'again', delayMs: 1_000 },
      { kind: 'again', delayMs: 2_000 },
      { kind: 'again', delayMs: 4_000 },
      { kind: 'again', delayMs: 8_000 },
      { kind: 'dead' },
    ]);
    assert.equal(MAX_DELIVERIES, 5);
  });

  it('is given up at once where repeating cannot help', () => {
    assert.deepEqual(afterFailedDelivery(1, false), { kind: 'dead' });
  });
});

describe('agents that wait for each other', () => {
  it('are named from the one who asks around to itself', () => {
    const waits = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
    ];

    assert.deepEqual(findWaitCircle(waits, { from: 'c', to: 'a' }), ['c', 'a', 'b', 'c']);
  });

  it('are no circle while somebody waits for nobody', () => {
    assert.equal(findWaitCircle([{ from: 'a', to: 'b' }], { from: 'c', to: 'a' }), null);
  });

  it('may be one agent alone', () => {
    assert.deepEqual(findWaitCircle([], { from: 'a', to: 'a' }), ['a', 'a']);
  });

  const agent = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const wait: fc.Arbitrary<Wait> = fc.record({ from: agent, to: agent });

  it('are found exactly when following the waits leads back, and by steps that are waits', () => {
    fc.assert(
      fc.property(fc.array(wait, { maxLength: 12 }), wait, (waits, request) => {
        const circle = findWaitCircle(waits, request);

        assert.equal(circle !== null, reaches(waits, request.to, request.from));
        for (const [index, from] of (circle ?? []).slice(0, -1).entries()) {
          const to = circle?.[index + 1];
          assert.ok([...waits, request].some((one) => one.from === from && one.to === to));
        }
      }),
    );
  });

  /** By repetition until nothing changes: slower than the product and written differently. */
  function reaches(waits: readonly Wait[], from: string, to: string): boolean {
    const reached = new Set([from]);
    for (let round = 0; round < 6; round += 1) {
      for (const one of waits) if (reached.has(one.from)) reached.add(one.to);
    }
    return reached.has(to);
  }
});

describe('a director', () => {
  const agent = (name: string, roles: string[] = [], alive = true) => ({ name, roles, alive });

  it('C033: knows who stands for which intent', () => {
    assert.deepEqual(DIRECTOR_INTENTS.status, ['task', 'calendar']);
    assert.deepEqual(DIRECTOR_INTENTS.greeting, []);
    assert.deepEqual(DIRECTOR_INTENTS.web_search, ['browser']);
  });

  it('asks an agent by its name before one by its role, and names whom it lacks', () => {
    const candidates = [agent('aide', ['task']), agent('task'), agent('calendar', [], false)];

    assert.deepEqual(delegate(['task', 'calendar'], candidates), { asked: ['task'], absent: ['calendar'] });
  });

  it('asks an agent once that stands for several roles', () => {
    const candidates = [agent('aide', ['task', 'calendar'])];

    assert.deepEqual(delegate(['task', 'calendar'], candidates), { asked: ['aide'], absent: [] });
  });
});
