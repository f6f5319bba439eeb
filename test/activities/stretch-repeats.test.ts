import assert from 'node:assert/strict';
import { type JudgedAttempt, Stretch } from '../../activities/tasks/stretch.ts';
import type { ContainerNode, GraphNode } from '../../domain/graphs/definition.ts';
import { isFinished, startGraph } from '../../domain/graphs/graph-state.ts';
import { growContainer } from '../../domain/graphs/run-state.ts';
import type { RunRecord } from '../../entities/traces/run-repository.ts';
import { graphOf, nodeOf } from '../domain/support/graphs.ts';

describe('a stretch of which something has begun already', () => {
  const quick = { ...nodeOf('a'), quick: true } as GraphNode;
  const container: ContainerNode = {
    ...{ id: 'c', kind: 'sub-graph', objective: '', dependsOn: [], input: { fields: {} } },
    graph: graphOf([quick]),
  };

  it('A2: takes over the end of a container that an earlier stretch had opened', () => {
    const definition = graphOf([container]);
    const opened = growContainer(definition, startGraph(definition), 'c', 1);

    const stretch = new Stretch({
      ...{
        definition,
        state: opened,
        unhosted: new Set(),
        apart: false,
        opened: new Map(),
        begun: new Map(),
        skipped: [],
      },
      written: new Map(['c/a', 'c'].map((path) => [path, ok(path)])),
      values: { task: null, outputs: new Map(), looked: new Set() },
    });

    assert.equal(stretch.next(), null);
    assert.ok(isFinished(definition, stretch.state));
    assert.equal(stretch.isUnwritten, false);
  });

  it('A2: ends what it had begun as cut off where a failure stops it, and does not skip it', () => {
    const definition = graphOf([quick, container]);
    const failed = { ...ok('a'), status: 'fatal_error' as const, error: { code: 'handler_failed', message: 'no' } };

    const stretch = new Stretch({
      ...{ definition, state: startGraph(definition), unhosted: new Set(), apart: false, skipped: [] },
      ...{ opened: new Map([['c', new Date()]]), begun: new Map([['c', 1]]), written: new Map([['a', failed]]) },
      values: { task: null, outputs: new Map(), looked: new Set() },
    });

    assert.equal(stretch.next(), null);
    assert.deepEqual(
      stretch.ends.map(({ end }) => [end.nodeId, end.status, end.error?.code]),
      [['c', 'fatal_error', 'handler_cancelled']],
    );
    assert.deepEqual(
      stretch.events.map(({ type, nodeId }) => [type, nodeId]),
      [['run.failed', 'c']],
    );
  });

  it('ends what waits for another attempt as cut off where a failure beside it stops it', () => {
    const definition = graphOf([quick, { ...nodeOf('b'), quick: true } as GraphNode]);
    const stretch = new Stretch({
      ...{ definition, state: startGraph(definition), unhosted: new Set(), apart: false, skipped: [] },
      ...{ opened: new Map(), begun: new Map(), written: new Map() },
      values: { task: null, outputs: new Map(), looked: new Set() },
    });
    const error = { code: 'handler_failed', message: 'no' };
    const judged = (verdict: JudgedAttempt['verdict'], nodeId: string): JudgedAttempt => {
      return { verdict, startedAt: new Date(), events: [{ type: 'run.started', nodeId }] };
    };

    stretch.take({ ...quick, id: 'a' }, judged({ kind: 'retry', error, waitMs: 1 }, 'a'));
    stretch.take({ ...quick, id: 'b' }, judged({ kind: 'fail', status: 'fatal_error', error, failures: 1 }, 'b'));

    assert.deepEqual(
      stretch.events.map(({ type, nodeId }) => `${type} ${nodeId}`),
      ['run.started a', 'run.started b', 'run.failed b', 'run.failed a'],
    );
    assert.deepEqual([...stretch.open.keys()], []);
  });
});

function ok(nodeId: string): RunRecord {
  return {
    ...{
      nodeId,
      agent: 'worker',
      kind: 'agent',
      status: 'ok',
      attempts: 1,
      outcome: null,
      error: null,
      takenFrom: null,
    },
    ...{ startedAt: new Date(), finishedAt: new Date(), output: { json: '{}', artifactId: null } },
  };
}
