import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { GraphDefinition, GraphNode } from '../../../domain/graphs/definition.ts';
import {
  type GraphState,
  isFinished,
  isSettled,
  isTolerated,
  readyNodes,
  type Settlement,
  settleNode,
  startGraph,
  startNodes,
  traceResult,
} from '../../../domain/graphs/graph-state.ts';
import { waits } from '../../../domain/graphs/kinds/kind-table.ts';
import { validateGraph } from '../../../domain/graphs/validate-graph.ts';
import { anyGraph, statuses } from '../support/graphs.ts';

/** What a random trace did, beside the state that it ended in. */
interface Driven {
  readonly state: GraphState;
  readonly widest: number;
  /** The same without nodes that wait. */
  readonly widestWorking: number;
  /** How often each node ended, by the interpreter's own answers. */
  readonly ends: ReadonlyMap<string, number>;
  /** Nodes begun after the trace had failed, or before all that they depend on had ended. */
  readonly wrongStarts: readonly string[];
}

type Fates = readonly { readonly fails: boolean; readonly outcome: boolean }[];
/** About every eighth node fails, so that many traces go far. */
const anyFate = fc.record({ fails: fc.integer({ min: 0, max: 7 }).map((side) => side === 0), outcome: fc.boolean() });
const anyFates: fc.Arbitrary<Fates> = fc.array(anyFate, { minLength: 14, maxLength: 14 });
const anyChoices = fc.array(fc.nat(), { minLength: 64, maxLength: 64 });

/** Each node's end depends on the node alone, so that any two interleavings of one trace can be compared. */
function endOf(node: GraphNode, fates: Fates): Settlement {
  const fate = fates[Number(node.id.split('-')[1])] ?? { fails: false, outcome: true };
  if (fate.fails) return { status: 'fatal_error', attempts: 1 };
  return node.kind === 'condition'
    ? { status: 'ok', attempts: 1, outcome: fate.outcome ? 'true' : 'false' }
    : { status: 'ok', attempts: 1 };
}

/** Lets chance decide at each step whether a ready node begins or a running one ends, until nothing is left to do. */
function drive(graph: GraphDefinition, fates: Fates, choices: readonly number[]): Driven {
  const ends = new Map<string, number>();
  const wrongStarts: string[] = [];
  let state = startGraph(graph);
  let widest = 0;
  let widestWorking = 0;
  for (let step = 0; step < 1_000; step += 1) {
    const ready = readyNodes(graph, state);
    const running = graph.nodes.filter((node) => state.nodes[node.id]?.status === 'running');
    const choice = choices[step % choices.length] ?? 0;
    const node = [...ready, ...running][choice % (ready.length + running.length)];
    if (node === undefined) break;
    if (ready.includes(node)) {
      const held = graph.nodes.filter((one) => waits(one) && mayBegin(one, state) && !ready.includes(one));
      const isHeld = held.some(({ id }) => state.nodes[id]?.status === 'pending');
      if (isHeld && state.failedNode === null) wrongStarts.push(`${node.id} before a wait`);
      if (state.failedNode !== null || !mayBegin(node, state)) wrongStarts.push(node.id);
      state = startNodes(state, [node.id]);
      widest = Math.max(widest, running.length + 1);
      widestWorking = Math.max(widestWorking, [...running, node].filter((one) => !waits(one)).length);
      continue;
    }
    const settled = settleNode(graph, state, node.id, endOf(node, fates));
    for (const id of [node.id, ...settled.skipped.map((skipped) => skipped.id)]) ends.set(id, (ends.get(id) ?? 0) + 1);
    state = JSON.parse(JSON.stringify(settled.state));
    assert.deepEqual(state, settled.state, 'the state survives JSON');
  }
  return { state, widest, widestWorking, ends, wrongStarts };
}

/** The same graph, some of whose agents wait for a message instead. */
function withWaits(graph: GraphDefinition, waiting: readonly boolean[]): GraphDefinition {
  const nodes = graph.nodes.map((node, index): GraphNode => {
    if (node.kind !== 'agent' || waiting[index] !== true) return node;
    const { id, objective, dependsOn } = node;
    return { id, objective, dependsOn, kind: 'wait', for: 'message', name: 'paid', input: { fields: {} } };
  });
  return { ...graph, nodes };
}

function mayBegin(node: GraphNode, state: GraphState): boolean {
  const sources = node.dependsOn.map((dependency) => ({ ...dependency, ended: state.nodes[dependency.node] }));
  const fallbacks = sources.filter(({ type }) => type === 'fallback');
  const hasFailed = fallbacks.some(({ ended }) => ended?.status === 'fatal_error');
  return (
    (fallbacks.length === 0 || hasFailed) &&
    sources.every(({ ended, when, required }) => {
      if (ended === undefined || !isSettled(ended.status)) return false;
      if (when !== undefined) return ended.outcome === when;
      return !required || ended.status === 'ok';
    })
  );
}

describe('the interpreter, on random graphs and interleavings', () => {
  it('C005: ends each node exactly once, and starts none before all that it depends on', () => {
    fc.assert(
      fc.property(anyGraph, anyFates, anyChoices, (graph, fates, choices) => {
        const { state, ends, wrongStarts } = drive(graph, fates, choices);

        assert.equal(isFinished(graph, state), true);
        assert.deepEqual(wrongStarts, []);
        for (const node of graph.nodes) assert.equal(ends.get(node.id), 1, `${node.id} ends once`);
        assert.equal(Object.keys(state.nodes).length, graph.nodes.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it('C005: never runs more nodes at once than the width allows', () => {
    fc.assert(
      fc.property(anyGraph, anyFates, anyChoices, (graph, fates, choices) => {
        assert.ok(drive(graph, fates, choices).widest <= graph.width);
      }),
      { numRuns: 500 },
    );
  });

  it('lets every node begin that waits, and as many others as the width allows', () => {
    const anyWaits = fc.array(fc.boolean(), { minLength: 14, maxLength: 14 });
    let beyond = 0;
    fc.assert(
      fc.property(anyGraph, anyWaits, anyFates, anyChoices, (plain, waiting, fates, choices) => {
        const graph = withWaits(plain, waiting);
        const { widest, widestWorking, ends, wrongStarts } = drive(graph, fates, choices);

        assert.ok(widestWorking <= graph.width);
        assert.deepEqual(wrongStarts, []);
        assert.ok(graph.nodes.every(({ id }) => ends.get(id) === 1));
        if (widest > graph.width) beyond += 1;
      }),
      { numRuns: 500 },
    );
    assert.ok(beyond >= 20, `only ${beyond} traces were wider than their width`);
  });

  it('C005: fails exactly when a failure was not tolerated, and skips exactly what could not run', () => {
    fc.assert(
      fc.property(anyGraph, anyFates, anyChoices, (graph, fates, choices) => {
        const { state } = drive(graph, fates, choices);
        const failed = graph.nodes.filter((node) => state.nodes[node.id]?.status === 'fatal_error');
        const result = traceResult(graph, state);

        assert.equal(
          result.status === 'failed',
          failed.some((node) => !isTolerated(graph, node.id)),
        );
        if (result.status === 'failed') return;
        for (const node of graph.nodes) {
          assert.equal(state.nodes[node.id]?.status === 'skipped', !mayBegin(node, state), node.id);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('runs a fallback exactly when one of the nodes failed in whose place it stands, whose failure fails nothing', () => {
    let ran = 0;
    fc.assert(
      fc.property(anyGraph, anyFates, anyChoices, (graph, fates, choices) => {
        const { state } = drive(graph, fates, choices);
        const fallbacks = graph.nodes.filter(({ dependsOn }) => dependsOn.some(({ type }) => type === 'fallback'));

        for (const { id, dependsOn } of fallbacks) {
          const sources = dependsOn.flatMap(({ node, type }) =>
            type === 'fallback' ? [state.nodes[node]?.status] : [],
          );
          if (state.nodes[id]?.status === 'skipped') continue;
          assert.ok(sources.includes('fatal_error'), `${id} ran although ${sources.join(', ')}`);
          ran += 1;
        }
        const tolerated = fallbacks.flatMap(({ dependsOn }) => dependsOn.filter(({ type }) => type === 'fallback'));
        assert.ok(!tolerated.some(({ node }) => node === state.failedNode));
      }),
      { numRuns: 500 },
    );
    assert.ok(ran >= 20, `only ${ran} fallbacks ran`);
  });

  it('ends alike whatever the interleaving, unless a failure cuts the trace short', () => {
    let completed = 0;
    fc.assert(
      fc.property(anyGraph, anyFates, anyChoices, anyChoices, (graph, fates, choices, others) => {
        const one = drive(graph, fates, choices).state;
        const other = drive(graph, fates, others).state;

        assert.equal(one.failedNode === null, other.failedNode === null);
        if (one.failedNode !== null) return;
        assert.deepEqual(statuses(one), statuses(other));
        completed += 1;
      }),
      { numRuns: 500 },
    );
    assert.ok(completed >= 100, `only ${completed} of 500 traces completed`);
  });

  it('runs only on graphs that the validation accepts', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        assert.deepEqual(validateGraph(graph), { ok: true, definition: graph });
      }),
      { numRuns: 300 },
    );
  });

  it('C004: finds any one dependency that lost its edge, and any circle', () => {
    const linked = anyGraph.filter((graph) => graph.edges.length > 0);
    fc.assert(
      fc.property(linked, fc.nat(), (graph, pick) => {
        const edge = graph.edges[pick % graph.edges.length];
        const withoutEdge = { ...graph, edges: graph.edges.filter((other) => other !== edge) };
        const circle = {
          ...graph,
          nodes: graph.nodes.map((node) =>
            node.id === edge?.from
              ? { ...node, dependsOn: [...node.dependsOn, { node: edge.to, required: false }] }
              : node,
          ),
          edges: [...graph.edges, { from: edge?.to, to: edge?.from, type: 'default' }],
        };

        assert.deepEqual(codes(withoutEdge), ['dependency_without_edge']);
        assert.deepEqual(codes(circle), ['dependency_cycle']);
      }),
      { numRuns: 300 },
    );
  });
});

function codes(data: unknown): readonly string[] {
  const result = validateGraph(data);
  return result.ok ? [] : result.faults.map((fault) => fault.code);
}
