import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineGraph } from '../../index.ts';
import { standingOf, writtenAs, writtenStanding } from '../../workflows/tasks/standing.ts';

describe('how a task stands that has nodes which wait', () => {
  const plan = defineGraph({
    name: 'both',
    input: z.object({}),
    nodes: { ask: { approval: 'May it?' }, come: { wait: { for: 'message', name: 'paid' } } },
    output: { ask: '/nodes/ask' },
  }).definition;
  const standing = (running: number, waiting: readonly string[], paused = false) =>
    standingOf(plan, { paused, running, waiting });

  it('is as they wait while nothing else runs: for an approval if one does', () => {
    assert.equal(standing(0, []), 'in_progress');
    assert.equal(standing(2, ['come']), 'in_progress');
    assert.equal(standing(1, ['come']), 'waiting_input');
    assert.equal(standing(2, ['come', 'ask']), 'waiting_approval');
    assert.equal(standing(1, ['come'], true), 'paused');
  });

  it('is written as it stands, and read back', () => {
    for (const status of ['in_progress', 'paused', 'waiting_approval', 'waiting_input'] as const) {
      assert.equal(writtenStanding(writtenAs(status)), status);
    }
  });
});
