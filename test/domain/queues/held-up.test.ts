import assert from 'node:assert/strict';
import { heldUpBy } from '../../../domain/queues/held-up.ts';
import { parseQueueSettings } from '../../../domain/queues/queue-settings.ts';

describe('what holds a waiting task up', () => {
  const task = {
    priority: 'low',
    slots: [
      { key: 'graph:chain', held: 2 },
      { key: 'user:acme/u-17', held: 0 },
    ],
  } as const;
  const under = (settings: object) => heldUpBy(task, parseQueueSettings(settings))?.waitsFor ?? null;

  it('is the pause of its band or of a key', () => {
    assert.equal(under({ paused: ['band:low'] }), 'a resume: its band "low" is paused');
    assert.equal(under({ paused: ['band:high', 'graph:chain'] }), 'a resume: its graph "chain" is paused');
  });

  it('is the first of its keys that is full', () => {
    assert.equal(under({ limits: { 'graph:chain': 2 } }), 'a free slot of graph:chain, whose limit is 2');
    assert.equal(under({ limits: { 'user:*': 0 } }), 'a free slot of user:acme/u-17, whose limit is 0');
  });

  it('is nothing while each of its keys has a free slot', () => {
    assert.equal(under({ limits: { 'graph:chain': 3 } }), null);
  });
});
