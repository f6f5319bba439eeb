import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ContainerNode, GraphDefinition, GraphNode } from '../../../domain/graphs/definition.ts';
import { type GraphState, isFinished, isSettled, startGraph, traceResult } from '../../../domain/graphs/graph-state.ts';
import {
  abandonRuns,
  growContainer,
  innerAt,
  readySteps,
  type Step,
  settleRun,
  startRuns,
} from '../../../domain/graphs/run-state.ts';
import { anyGraph, graphOf, shortGraph } from '../support/graphs.ts';

const NOTHING = { input: { fields: {} }, objective: '' };

function each(
  id: string,
  graph: GraphDefinition,
  width: number,
  dependsOn: GraphNode['dependsOn'] = [],
): ContainerNode {
  return { ...NOTHING, id, kind: 'each', graph, dependsOn, items: { value: [] }, width };
}

function subGraph(id: string, graph: GraphDefinition, dependsOn: GraphNode['dependsOn'] = []): ContainerNode {
  return { ...NOTHING, id, kind: 'sub-graph', graph, dependsOn };
}

const paths = (graph: GraphDefinition, state: GraphState) => readySteps(graph, state).map(({ path }) => path);
const ok = { status: 'ok', attempts: 1 } as const;
const failed = { status: 'fatal_error', attempts: 1 } as const;

describe('graphs within graphs', () => {
  const inner = shortGraph({ a: [], b: ['a'] });

  it('run each item of a list under its path, as many at once as the width says, and then the container has its turn', () => {
    const graph = graphOf([each('all', inner, 2)]);
    let state = growContainer(graph, startGraph(graph), 'all', 3);

    assert.deepEqual(paths(graph, state), ['all[0]/a', 'all[1]/a']);
    for (const path of ['all[0]/a', 'all[0]/b']) state = settleRun(graph, state, path, ok).state;
    assert.deepEqual(paths(graph, state), ['all[1]/a', 'all[2]/a']);
    for (const path of ['all[1]/a', 'all[2]/a', 'all[2]/b', 'all[1]/b'])
      state = settleRun(graph, state, path, ok).state;
    assert.deepEqual(
      readySteps(graph, state).map(({ path, phase }) => [path, phase]),
      [['all', 'turn']],
    );
    state = settleRun(graph, state, 'all', ok).state;
    assert.deepEqual(state, { nodes: { all: { status: 'ok', attempts: 1 } }, failedNode: null });
  });

  it('are nested, each under the path of its container', () => {
    const graph = graphOf([subGraph('outer', graphOf([each('all', inner, 4)]))]);
    let state = growContainer(graph, startGraph(graph), 'outer', 1);
    state = growContainer(graph, state, 'outer/all', 1);

    assert.deepEqual(paths(graph, state), ['outer/all[0]/a']);
    state = settleRun(graph, state, 'outer/all[0]/a', failed).state;
    assert.equal(innerAt(state, 'outer/all')?.failedPath, 'outer/all[0]/a');
    state = settleRun(graph, state, 'outer/all', failed).state;
    assert.equal(innerAt(state, 'outer')?.failedPath, 'outer/all');
    state = settleRun(graph, state, 'outer', failed).state;
    assert.equal(state.failedNode, 'outer');
  });

  it('stop with the failure of one of them: what has not begun is skipped, what runs may end', () => {
    const graph = graphOf([each('all', inner, 2)]);
    let state = growContainer(graph, startGraph(graph), 'all', 5);
    state = startRuns(graph, state, ['all[0]/a', 'all[1]/a']);

    const after = settleRun(graph, state, 'all[0]/a', failed);

    assert.deepEqual(
      after.skipped.map(({ id }) => id),
      ['all[0]/b', 'all[1]/b'],
    );
    assert.deepEqual(paths(graph, after.state), []);
    const ended = settleRun(graph, after.state, 'all[1]/a', ok).state;
    assert.deepEqual(
      readySteps(graph, ended).map(({ phase }) => phase),
      ['turn'],
    );
  });

  it('stop when the graph around them fails', () => {
    const graph = graphOf([subGraph('outer', inner), ...shortGraph({ beside: [] }).nodes]);
    let state = growContainer(graph, startGraph(graph), 'outer', 1);
    state = startRuns(graph, state, ['outer/a', 'beside']);

    const after = settleRun(graph, state, 'beside', failed);

    assert.deepEqual(after.skipped, [{ id: 'outer/b', reason: '"beside" failed' }]);
    assert.equal(innerAt(after.state, 'outer')?.stopped, '"beside" failed');
  });

  it('change nothing when an end of a graph that has ended is reported again', () => {
    const graph = graphOf([each('all', inner, 1)]);
    let state = growContainer(graph, startGraph(graph), 'all', 2);
    for (const path of ['all[0]/a', 'all[0]/b']) state = settleRun(graph, state, path, ok).state;

    assert.deepEqual(settleRun(graph, state, 'all[0]/b', ok), { state, skipped: [] });
  });

  it('always come to an end, with every run begun once and ended once, whatever fails', () => {
    const nested = fc
      .tuple(anyGraph, anyGraph, anyGraph, fc.integer({ min: 1, max: 3 }))
      .map(([outer, first, second, width]) =>
        graphOf([
          ...outer.nodes,
          each('all', graphOf([...first.nodes, subGraph('deep', second)]), width),
          subGraph('last', second, [{ node: 'all', required: false }]),
        ]),
      );
    fc.assert(
      fc.property(nested, fc.integer({ min: 1, max: 2_147_483_646 }), (graph, seed) => {
        const next = chances(seed);
        const ended = new Map<string, number>();
        let state = startGraph(graph);
        for (let steps = 0; !isFinished(graph, state); steps += 1) {
          assert.ok(steps < 2_000, 'comes to an end');
          const ready = readySteps(graph, state);
          const step = ready[next() % ready.length];
          assert.ok(step !== undefined, 'is never stuck');
          const after = take(graph, state, step, next());
          state = JSON.parse(JSON.stringify(after.state));
          for (const id of after.ended) ended.set(id, (ended.get(id) ?? 0) + 1);
        }
        for (const [id, times] of ended) assert.equal(times, 1, `${id} ends once`);
        for (const { status, inner: left } of Object.values(state.nodes)) {
          assert.ok(isSettled(status));
          assert.equal(left, undefined, 'an ended container keeps nothing of its graphs');
        }
        traceResult(graph, state);
      }),
      { numRuns: 150 },
    );
  });

  it('skip everything that has not begun on a cancel', () => {
    const graph = graphOf([each('all', inner, 2), ...shortGraph({ later: ['all'] }).nodes]);
    let state = growContainer(graph, startGraph(graph), 'all', 9);
    state = startRuns(graph, state, ['all[0]/a']);

    const after = abandonRuns(graph, state, 'the task was cancelled');

    assert.deepEqual(after.skipped.map(({ id }) => id).toSorted(), ['all[0]/b', 'all[1]/a', 'all[1]/b', 'later']);
    assert.deepEqual(Object.keys(innerAt(after.state, 'all')?.open ?? {}), ['0']);
  });
});

/** Carries one step out as chance will have it. */
function take(graph: GraphDefinition, state: GraphState, { path, node, phase }: Step, chance: number) {
  if (phase === 'open') {
    const size = node.kind === 'sub-graph' ? 1 : chance % 4;
    return { state: growContainer(graph, state, path, size), ended: [] };
  }
  const inner = innerAt(state, path);
  const fails = phase === 'turn' ? inner?.failedPath !== undefined || inner?.stopped !== undefined : chance % 9 === 0;
  const decided = node.kind === 'condition' && !fails;
  const outcome = decided ? { outcome: chance % 2 === 0 ? ('true' as const) : ('false' as const) } : {};
  const begun = phase === 'run' ? startRuns(graph, state, [path]) : state;
  const settled = settleRun(graph, begun, path, { ...(fails ? failed : ok), ...outcome });
  return { state: settled.state, ended: [path, ...settled.skipped.map(({ id }) => id)] };
}

/** Numbers that the seed decides, by the multiplier of Park and Miller. */
function chances(seed: number): () => number {
  let last = seed;
  return () => {
    last = (last * 48_271) % 2_147_483_647;
    return last;
  };
}
