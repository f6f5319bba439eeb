import { type RunStatus, SETTLED_RUN_STATUSES, type SettledRunStatus } from '../traces/trace-status.ts';
import { isBound, NOT_CALLED } from './connections.ts';
import type { Dependency, GraphDefinition, GraphNode } from './definition.ts';
import { rulesOf, waits } from './kinds/kind-table.ts';
import type { Outcome } from './kinds.ts';

/**
 * The interpreter of one graph: which of its nodes may begin, and what the end of one means for the others. It is pure
 * and knows neither clock nor driver. Every function takes a state and gives a new one; states are plain JSON.
 *
 * A node is `pending` until it is started (`running`) or skipped, and ends in exactly one of `ok`, `retryable_error`,
 * `fatal_error`, `skipped`. It is ready once all that it depends on has ended. It is skipped as soon as a required
 * dependency failed or was skipped, a condition on which it depends took the other branch, failed or was skipped, or all
 * nodes of which it is a fallback ended and none failed.
 *
 * A failure is tolerated when the failed node has a fallback, or when at least one node depends on it and all of them do
 * so optionally. Any other failure fails the trace: `failedNode` names the first such node, nothing new begins, running
 * nodes may finish.
 *
 * A tool that is bound to an llm waits for its end, and then says how often it was called; the failure of an llm is not
 * tolerated because of its tools.
 *
 * `run-state.ts` puts the graphs within graphs together; here a container is a node like any other.
 *
 * The definition must be valid. Each function is O(N + E) for N nodes and E dependencies.
 */
export interface GraphState {
  readonly nodes: Readonly<Record<string, NodeState>>;
  /** The node whose failure fails the trace; null while there is none. */
  readonly failedNode: string | null;
}

export interface NodeState {
  readonly status: RunStatus;
  /** Attempts begun: 0 before the start and when skipped, 1 while running, the final number after the end. */
  readonly attempts: number;
  /** What a condition node decided. */
  readonly outcome?: Outcome;
  /** Why the node was skipped. */
  readonly reason?: string;
  /** The inner graphs of a running container. */
  readonly inner?: InnerState;
}

/** The inner graphs of a running container, numbered from 0. Only those that run have a state. */
export interface InnerState {
  /** How many have to run, as far as is known. */
  readonly size: number;
  /** How many have begun. */
  readonly begun: number;
  /** The running ones, by number. */
  readonly open: Readonly<Record<string, GraphState>>;
  /** The path of the run whose failure fails the container: nothing new begins. */
  readonly failedPath?: string;
  /** Why nothing new begins although no inner graph failed. */
  readonly stopped?: string;
}

/** The end of a node. */
export interface Settlement {
  /** `skipped` only confirms what the rules have already decided; or says that a bound tool was not called. */
  readonly status: SettledRunStatus;
  readonly attempts: number;
  /** Required for a condition node that ended `ok`, and for no other. */
  readonly outcome?: Outcome;
}

export interface SkippedNode {
  readonly id: string;
  readonly reason: string;
}

/** A new state, and the nodes that were skipped on the way to it, in order. */
export interface Settled {
  readonly state: GraphState;
  readonly skipped: readonly SkippedNode[];
}

/** The state before anything has begun. */
export function startGraph(definition: GraphDefinition): GraphState {
  const pending: NodeState = { status: 'pending', attempts: 0 };
  return { nodes: Object.fromEntries(definition.nodes.map((node) => [node.id, pending])), failedNode: null };
}

/** The nodes that may begin now, in the definition's order, as far as the width allows. It counts no node that waits. */
export function readyNodes(definition: GraphDefinition, state: GraphState): readonly GraphNode[] {
  const working = definition.nodes.filter((node) => stateOf(state.nodes, node.id).status === 'running' && !waits(node));
  let free = definition.width - working.length;
  return definition.nodes.filter((node) => {
    if (!isReady(node, state)) return false;
    if (waits(node)) return true;
    free -= 1;
    return free >= 0;
  });
}

/** Marks nodes as running. Throws for one that is not pending: each node begins once. */
export function startNodes(state: GraphState, ids: readonly string[]): GraphState {
  const nodes = { ...state.nodes };
  for (const id of ids) {
    const { status } = stateOf(nodes, id);
    if (status !== 'pending') throw conflict(id, `can begin only once, but it is already ${status}`);
    nodes[id] = { status: 'running', attempts: 1 };
  }
  return { ...state, nodes };
}

/**
 * Records the end of a running node, and skips what can no longer run. A ready node may end without having been marked
 * as running: a quick one begins and ends in one step. Repeating the same end changes nothing, so a replay is harmless;
 * throws for a different end of a node that has ended, and for the end of a node that could not have begun.
 */
export function settleNode(
  definition: GraphDefinition,
  state: GraphState,
  id: string,
  settlement: Settlement,
): Settled {
  const before = stateOf(state.nodes, id);
  if (isSettled(before.status)) {
    if (isSameEnd(before, settlement)) return { state, skipped: [] };
    throw conflict(id, `ended as ${endText(before)} and cannot end again as ${endText(settlement)}`);
  }
  if (settlement.status === 'skipped' && !isBound(nodeOf(definition, id)))
    throw conflict(id, `is ${before.status}; only the rules of the graph skip a node`);
  if (before.status === 'pending' && !isReady(nodeOf(definition, id), state)) {
    throw conflict(id, `cannot end as ${endText(settlement)} before all that it depends on`);
  }
  requireOutcome(definition, id, settlement);

  if (settlement.status === 'skipped') return skipUncalled(definition, state, id);
  const after = withEnd(state, id, settlement);
  const reached = skipUnreachable(definition, after, id);
  if (settlement.status === 'ok' || isTolerated(definition, id)) return reached;
  const failed = { ...reached.state, failedNode: state.failedNode ?? id };
  const rest = abandon(definition, failed, `"${id}" failed`);
  return { state: rest.state, skipped: [...reached.skipped, ...rest.skipped] };
}

/** A bound tool that was not called is skipped, with what requires it. */
function skipUncalled(definition: GraphDefinition, state: GraphState, id: string): Settled {
  const { state: after, skipped } = withSkipped(state, [{ id, reason: NOT_CALLED }]);
  const reached = skipUnreachable(definition, after, id);
  return { state: reached.state, skipped: [...skipped, ...reached.skipped] };
}

/** Whether every node has ended. */
export function isFinished(definition: GraphDefinition, state: GraphState): boolean {
  return definition.nodes.every((node) => isSettled(stateOf(state.nodes, node.id).status));
}

/** How a finished trace ended according to its nodes; only the caller knows about a cancel. */
export function traceResult(
  definition: GraphDefinition,
  state: GraphState,
): { readonly status: 'completed' } | { readonly status: 'failed'; readonly node: string } {
  if (!isFinished(definition, state)) throw new Error(`Graph "${definition.name}" has no result before all nodes end.`);
  return state.failedNode === null ? { status: 'completed' } : { status: 'failed', node: state.failedNode };
}

/** Skips everything that has not begun, after a failure or on a cancel. Running nodes may finish. */
export function abandon(definition: GraphDefinition, state: GraphState, reason: string): Settled {
  const ids = definition.nodes.map((node) => node.id).filter((id) => stateOf(state.nodes, id).status === 'pending');
  return withSkipped(
    state,
    ids.map((id) => ({ id, reason })),
  );
}

/** The nodes that were skipped so far. */
export function skippedNodes({ nodes }: GraphState): readonly SkippedNode[] {
  return Object.entries(nodes).flatMap(([id, { status, reason = '' }]) =>
    status === 'skipped' ? [{ id, reason }] : [],
  );
}

/** Whether a status is an end. */
export function isSettled(status: RunStatus): status is SettledRunStatus {
  return (SETTLED_RUN_STATUSES as readonly RunStatus[]).includes(status);
}

/** Whether the trace continues after a failure of the node: see {@link GraphState}. */
export function isTolerated(definition: GraphDefinition, id: string): boolean {
  const dependencies = definition.nodes
    .flatMap((node) => node.dependsOn)
    .filter((dependency) => dependency.node === id && dependency.type !== 'tool');
  if (dependencies.some(({ type }) => type === 'fallback')) return true;
  return dependencies.length > 0 && dependencies.every((dependency) => !dependency.required);
}

function isReady(node: GraphNode, { nodes }: GraphState): boolean {
  if (stateOf(nodes, node.id).status !== 'pending') return false;
  return node.dependsOn.every((dependency) => isSettled(stateOf(nodes, dependency.node).status));
}

function skipUnreachable(definition: GraphDefinition, state: GraphState, ended: string): Settled {
  const waiters = waitersById(definition);
  const nodes = { ...state.nodes };
  const skipped: SkippedNode[] = [];
  const ids = [ended];
  // The array grows during the loop: a skipped node may make its own waiters unreachable.
  for (const id of ids) {
    for (const waiter of waiters.get(id) ?? []) {
      const reason = stateOf(nodes, waiter.id).status === 'pending' ? skipReason(waiter, nodes) : null;
      if (reason === null) continue;
      nodes[waiter.id] = skippedState(reason);
      skipped.push({ id: waiter.id, reason });
      ids.push(waiter.id);
    }
  }
  return { state: { ...state, nodes }, skipped };
}

function waitersById(definition: GraphDefinition): ReadonlyMap<string, readonly GraphNode[]> {
  const waiters = new Map<string, GraphNode[]>();
  for (const node of definition.nodes) {
    for (const dependency of node.dependsOn) {
      const list = waiters.get(dependency.node);
      if (list === undefined) waiters.set(dependency.node, [node]);
      else list.push(node);
    }
  }
  return waiters;
}

function skipReason(node: GraphNode, nodes: GraphState['nodes']): string | null {
  for (const dependency of node.dependsOn) {
    const reason = blockReason(dependency, stateOf(nodes, dependency.node));
    if (reason !== null) return reason;
  }
  return unusedFallback(node, nodes);
}

/** Why a fallback is not needed; null for a node that is no fallback, or one of whose sources failed or is yet to end. */
function unusedFallback({ dependsOn }: GraphNode, nodes: GraphState['nodes']): string | null {
  const sources = dependsOn.filter(({ type }) => type === 'fallback').map(({ node }) => node);
  if (sources.length === 0) return null;
  const isOver = sources.every((id) => ['ok', 'skipped'].includes(stateOf(nodes, id).status));
  return isOver ? `${sources.map((id) => `"${id}"`).join(' and ')} did not fail` : null;
}

function blockReason(dependency: Dependency, state: NodeState): string | null {
  if (!isSettled(state.status)) return null;
  if (state.status === 'ok') {
    const otherBranch = dependency.when !== undefined && dependency.when !== state.outcome;
    return otherBranch ? `"${dependency.node}" was ${state.outcome}` : null;
  }
  if (!dependency.required) return null;
  return `"${dependency.node}" ${state.status === 'skipped' ? 'was skipped' : 'failed'}`;
}

function withEnd(state: GraphState, id: string, { status, attempts, outcome }: Settlement): GraphState {
  const end: NodeState = outcome === undefined ? { status, attempts } : { status, attempts, outcome };
  return { ...state, nodes: { ...state.nodes, [id]: end } };
}

function withSkipped(state: GraphState, skipped: readonly SkippedNode[]): Settled {
  const ends = skipped.map(({ id, reason }) => [id, skippedState(reason)] as const);
  return { state: { ...state, nodes: { ...state.nodes, ...Object.fromEntries(ends) } }, skipped };
}

function skippedState(reason: string): NodeState {
  return { status: 'skipped', attempts: 0, reason };
}

function stateOf(nodes: GraphState['nodes'], id: string): NodeState {
  const state = Object.hasOwn(nodes, id) ? nodes[id] : undefined;
  if (state === undefined) throw conflict(id, `is not part of the trace, which has ${Object.keys(nodes).join(', ')}`);
  return state;
}

function nodeOf(definition: GraphDefinition, id: string): GraphNode {
  const node = definition.nodes.find((candidate) => candidate.id === id);
  if (node === undefined) throw conflict(id, `is not part of the graph "${definition.name}"`);
  return node;
}

function isSameEnd(before: NodeState, end: Settlement): boolean {
  return before.status === end.status && before.attempts === end.attempts && before.outcome === end.outcome;
}

function requireOutcome(definition: GraphDefinition, id: string, { status, outcome }: Settlement): void {
  const decides = status === 'ok' && rulesOf(nodeOf(definition, id).kind).decides;
  if (decides && outcome === undefined) throw conflict(id, 'is a condition and must end with an outcome');
  if (!decides && outcome !== undefined)
    throw conflict(id, `cannot decide "${outcome}": only a condition that is ok can`);
}

function endText({ status, attempts, outcome }: Settlement | NodeState): string {
  return `${status}${outcome === undefined ? '' : ` (${outcome})`} after ${attempts} attempts`;
}

/**
 * A plain error on purpose: driver and state disagree, which no caller can handle. Inside a workflow it keeps the
 * workflow task open until the driver is corrected, and nothing is lost.
 */
function conflict(id: string, what: string): Error {
  return new Error(`Node "${id}" ${what}.`);
}
