import assert from 'node:assert/strict';
import { z } from 'zod';
import type { GraphState } from '../../../domain/graphs/graph-state.ts';
import type { RunRecord } from '../../../entities/traces/run-repository.ts';
import { defineAgent, defineGraph } from '../../../index.ts';
import { unfinishedRuns } from '../../../operations/record/unfinished-runs.ts';

const agent = defineAgent({ name: 'step', input: z.object({}), output: z.object({}), handle: () => ({}) });
const { definition } = defineGraph({
  name: 'two-steps',
  input: z.object({}),
  nodes: { one: { agent, input: {} }, two: { agent, input: {}, after: ['one'] } },
  output: '/nodes/two',
});
const nodes: GraphState['nodes'] = {
  one: { status: 'fatal_error', attempts: 1 },
  two: { status: 'skipped', attempts: 0, reason: 'the task was cancelled' },
};
const cancelled = { status: 'cancelled', failure: null, nodes } as const;

function statuses(ends: ReturnType<typeof unfinishedRuns>): string[] {
  return ends.map((end) => `${end.nodeId}: ${end.status}, ${end.attempts} attempts`);
}

describe('the runs that a task leaves unfinished', () => {
  it('skips a node that was scheduled and cancelled before any attempt took it up', () => {
    assert.deepEqual(statuses(unfinishedRuns(definition, cancelled, [])), [
      'one: skipped, 0 attempts',
      'two: skipped, 0 attempts',
    ]);
  });

  it('ends a node as failed whose attempt was interrupted', () => {
    const row = { nodeId: 'one', status: 'running', attempts: 2, startedAt: new Date() } as RunRecord;

    assert.deepEqual(statuses(unfinishedRuns(definition, cancelled, [row])), [
      'one: fatal_error, 2 attempts',
      'two: skipped, 0 attempts',
    ]);
  });

  it('ends the node as failed that the task failed for, though it never had a row', () => {
    const failed = {
      status: 'failed',
      failure: { code: 'handler_failed', message: 'no', node: 'one' },
      nodes,
    } as const;

    assert.deepEqual(statuses(unfinishedRuns(definition, failed, [])), [
      'one: fatal_error, 1 attempts',
      'two: skipped, 0 attempts',
    ]);
  });
});
