import { innerScope, type PathPart, parsePath, type RunPath } from '../traces/path.ts';
import { isBound } from './connections.ts';
import type { ContainerNode, GraphDefinition, GraphNode } from './definition.ts';
import {
  abandon,
  type GraphState,
  type InnerState,
  isFinished,
  isSettled,
  readyNodes,
  type Settled,
  type Settlement,
  type SkippedNode,
  settleNode,
  startGraph,
  startNodes,
} from './graph-state.ts';
import { containerOf, isContainer } from './kinds/kind-table.ts';

/**
 * The interpreter of graphs within graphs: the same rules as `graph-state.ts` for every graph, by paths. A container is
 * opened when it is ready, and has a turn whenever its inner graphs so far have ended: it then ends or gets more of
 * them. A failure that fails an inner graph fails its container. Stopping a graph stops its running containers: nothing
 * new begins within, running nodes may finish, and the container has its last turn.
 */

/** A step that may be done now: run a node, open a container, give a container its turn, or count the calls of a bound tool. */
export interface Step {
  readonly path: RunPath;
  readonly node: GraphNode;
  readonly phase: 'run' | 'open' | 'turn' | 'count';
}

/** The steps that may be done now: within containers first, then in the order of the definition. */
export function readySteps(definition: GraphDefinition, state: GraphState, scope = ''): readonly Step[] {
  const within = definition.nodes.flatMap((node) =>
    isContainer(node) ? stepsWithin(node, state.nodes[node.id]?.inner, `${scope}${node.id}`) : [],
  );
  const ready = readyNodes(definition, state).map((node): Step => {
    return { path: `${scope}${node.id}`, node, phase: firstPhase(node) };
  });
  return [...within, ...ready];
}

function firstPhase(node: GraphNode): Step['phase'] {
  if (isContainer(node)) return 'open';
  return isBound(node) ? 'count' : 'run';
}

function stepsWithin(node: ContainerNode, inner: InnerState | undefined, path: RunPath): readonly Step[] {
  if (inner === undefined) return [];
  const open = Object.entries(inner.open);
  if (open.length === 0) return [{ path, node, phase: 'turn' }];
  return open.flatMap(([index, state]) => readySteps(node.graph, state, scopeWithin(node, path, index)));
}

/** The scope of an inner graph, with its number if the kind numbers its inner graphs. */
export function scopeWithin(node: ContainerNode, path: RunPath, index: number | string): string {
  return innerScope(path, containerOf(node).numbered ? Number(index) : null);
}

/** Marks runs as running. Throws for one that is not pending: each begins once. */
export function startRuns(definition: GraphDefinition, state: GraphState, paths: readonly RunPath[]): GraphState {
  return paths.reduce((before, path) => {
    const start: Change = (_, graph, id) => ({ state: startNodes(graph, [id]), skipped: [] });
    return changeAt(definition, before, path, start).state;
  }, state);
}

/** Records the end of a run and its consequences in all graphs, see {@link settleNode}. Skipped runs are paths. */
export function settleRun(
  definition: GraphDefinition,
  state: GraphState,
  path: RunPath,
  settlement: Settlement,
): Settled {
  return changeAt(definition, state, path, (graph, before, id) => settleNode(graph, before, id, settlement));
}

/** Opens a container that is ready, or extends one that has its turn, to `size` inner graphs. */
export function growContainer(definition: GraphDefinition, state: GraphState, path: RunPath, size: number): GraphState {
  return changeAt(definition, state, path, (graph, before, id) => {
    const node = containerIn(graph, id);
    const { inner = { begun: 0, open: {} } } = before.nodes[id] ?? {};
    return { state: withInner(before, id, beginMore(node, { ...inner, size })), skipped: [] };
  }).state;
}

/** Skips everything that has not begun, in every graph. Running nodes and containers may finish. */
export function abandonRuns(definition: GraphDefinition, state: GraphState, reason: string, scope = ''): Settled {
  const { state: after, skipped } = abandon(definition, state, reason);
  const stopped = stopContainers(definition, after, reason, scope);
  return { state: stopped.state, skipped: [...inScope(skipped, scope), ...stopped.skipped] };
}

/** The inner graphs of a running container. */
export function innerAt(state: GraphState, path: RunPath): InnerState | undefined {
  const parts = partsOf(path);
  const graph = parts.slice(0, -1).reduce<GraphState | undefined>((within, { node, index }) => {
    return within?.nodes[node]?.inner?.open[index ?? 0];
  }, state);
  return graph?.nodes[parts.at(-1)?.node ?? '']?.inner;
}

/** Every run in running graphs that has not ended, as far as this state knows: its end may already be written. */
export function openPaths(definition: GraphDefinition, state: GraphState, scope = ''): readonly RunPath[] {
  return definition.nodes.flatMap((node) => {
    const path = `${scope}${node.id}`;
    const { status = 'pending', inner } = state.nodes[node.id] ?? {};
    if (isSettled(status)) return [];
    if (!isContainer(node)) return [path];
    const within = Object.entries(inner?.open ?? {}).flatMap(([index, graph]) =>
      openPaths(node.graph, graph, scopeWithin(node, path, index)),
    );
    return [path, ...within];
  });
}

type Change = (definition: GraphDefinition, state: GraphState, id: string) => Settled;

function changeAt(definition: GraphDefinition, state: GraphState, path: RunPath, change: Change): Settled {
  return changeWithin({ definition, state, scope: '' }, partsOf(path), change);
}

/** One graph on the way to a run. */
interface Place {
  readonly definition: GraphDefinition;
  readonly state: GraphState;
  readonly scope: string;
}

function changeWithin({ definition, state, scope }: Place, parts: readonly PathPart[], change: Change): Settled {
  const [{ node: id, index } = { node: '', index: null }, ...rest] = parts;
  if (rest.length === 0) {
    const changed = change(definition, state, id);
    const failed = changed.state.failedNode;
    const skipped = inScope(changed.skipped, scope);
    if (failed === null || state.failedNode !== null) return { state: changed.state, skipped };
    const stopped = stopContainers(definition, changed.state, `"${failed}" failed`, scope);
    return { state: stopped.state, skipped: [...skipped, ...stopped.skipped] };
  }
  const node = containerIn(definition, id);
  const inner = state.nodes[id]?.inner;
  const graph = inner?.open[index ?? 0];
  // An inner graph that has ended has no state: a repeated report changes nothing.
  if (inner === undefined || graph === undefined) return { state, skipped: [] };
  const path = `${scope}${id}`;
  const within = { definition: node.graph, state: graph, scope: scopeWithin(node, path, index ?? 0) };
  const changed = changeWithin(within, rest, change);
  const after = afterInner({ node, inner, path }, String(index ?? 0), changed.state);
  return { state: withInner(state, id, after.inner), skipped: [...changed.skipped, ...after.skipped] };
}

/** A container on the way to a run. */
interface Container {
  readonly node: ContainerNode;
  readonly inner: InnerState;
  readonly path: RunPath;
}

/** The consequences of an inner graph's new state for its container. */
function afterInner(
  { node, inner, path }: Container,
  index: string,
  graph: GraphState,
): { inner: InnerState; skipped: readonly SkippedNode[] } {
  const { failedNode } = graph;
  const next = { ...inner, open: withGraph(node, inner.open, index, graph) };
  if (failedNode === null || inner.failedPath !== undefined || inner.stopped !== undefined) {
    return { inner: beginMore(node, next), skipped: [] };
  }
  const failedPath = `${scopeWithin(node, path, index)}${failedNode}`;
  const stopped = stopInner({ node, inner: next, path }, `"${failedPath}" failed`);
  return { inner: { ...stopped.inner, failedPath }, skipped: stopped.skipped };
}

/** Removes a graph that has ended. */
function withGraph(
  { graph: definition }: ContainerNode,
  open: InnerState['open'],
  index: string,
  graph: GraphState,
): InnerState['open'] {
  if (!isFinished(definition, graph)) return { ...open, [index]: graph };
  return Object.fromEntries(Object.entries(open).filter(([number]) => number !== index));
}

function beginMore(node: ContainerNode, inner: InnerState): InnerState {
  if (inner.failedPath !== undefined || inner.stopped !== undefined) return inner;
  const free = containerOf(node).parallel(node) - Object.keys(inner.open).length;
  const count = Math.max(0, Math.min(free, inner.size - inner.begun));
  const begun = Array.from(
    { length: count },
    (_, more) => [String(inner.begun + more), startGraph(node.graph)] as const,
  );
  return { ...inner, begun: inner.begun + count, open: { ...inner.open, ...Object.fromEntries(begun) } };
}

function stopContainers(definition: GraphDefinition, state: GraphState, reason: string, scope: string): Settled {
  return definition.nodes.filter(isContainer).reduce<Settled>(
    (before, node) => {
      const inner = before.state.nodes[node.id]?.inner;
      if (inner === undefined) return before;
      const stopped = stopInner({ node, inner, path: `${scope}${node.id}` }, reason);
      return {
        state: withInner(before.state, node.id, stopped.inner),
        skipped: [...before.skipped, ...stopped.skipped],
      };
    },
    { state, skipped: [] },
  );
}

function stopInner(
  { node, inner, path }: Container,
  reason: string,
): { inner: InnerState; skipped: readonly SkippedNode[] } {
  const ends = Object.entries(inner.open).map(([index, graph]) => {
    return { index, ...abandonRuns(node.graph, graph, reason, scopeWithin(node, path, index)) };
  });
  const open = ends.reduce<InnerState['open']>(
    (rest, { index, state }) => withGraph(node, rest, index, state),
    inner.open,
  );
  return { inner: { ...inner, open, stopped: reason }, skipped: ends.flatMap(({ skipped }) => skipped) };
}

function withInner(state: GraphState, id: string, inner: InnerState): GraphState {
  return { ...state, nodes: { ...state.nodes, [id]: { status: 'running', attempts: 1, inner } } };
}

function inScope(skipped: readonly SkippedNode[], scope: string): readonly SkippedNode[] {
  return scope === '' ? skipped : skipped.map(({ id, reason }) => ({ id: `${scope}${id}`, reason }));
}

function containerIn(definition: GraphDefinition, id: string): ContainerNode {
  const node = definition.nodes.find((candidate) => candidate.id === id);
  if (node !== undefined && isContainer(node)) return node;
  throw new Error(`Node "${id}" runs no inner graph in "${definition.name}".`);
}

function partsOf(path: RunPath): readonly PathPart[] {
  const parts = parsePath(path);
  if (parts === null) throw new Error(`"${path}" is not the path of a run.`);
  return parts;
}
