import { canonicalJson, type Json } from '../json.ts';
import { parentOfPath, parsePath, type RunPath } from '../traces/path.ts';
import type { RunStatus } from '../traces/trace-status.ts';
import type { GraphDefinition, GraphNode } from './definition.ts';
import { isSettled, isTolerated } from './graph-state.ts';
import { containerOf, isContainer, performerOf } from './kinds/kind-table.ts';
import { scopeWithin } from './run-state.ts';

/** A run of the trace that is forked. */
export interface OriginRun {
  readonly path: RunPath;
  readonly kind: string;
  /** Its agent or tool; its own path where it calls neither. */
  readonly performer: string;
  readonly status: RunStatus;
  /** Why it failed; null for one that did not. */
  readonly error: { readonly code: string } | null;
}

/** Which runs a fork takes over, and which run again. */
export interface ForkPlan {
  /** Ended runs that do not follow from the point of the fork, in the order in which they were given. */
  readonly takenOver: readonly RunPath[];
  /** All other runs that began in the origin. */
  readonly again: readonly RunPath[];
  /** Nodes of which the origin has no run, as paths without numbers: they may run for the first time. */
  readonly further: readonly RunPath[];
}

/** What is forked, and into which version of its graph. */
export interface Fork {
  /** The graph of the origin. */
  readonly from: GraphDefinition;
  /** The graph of the fork. */
  readonly to: GraphDefinition;
  readonly runs: readonly OriginRun[];
  readonly at: RunPath;
}

/**
 * What a fork takes over. The run at the point of the fork runs again, with all that may follow from it: what depends on
 * it, later rounds of its repeat, and the containers around it. So does what failed and was not tolerated, and what is
 * otherwise in the new version of the graph, with what follows from that. Everything else that has ended is taken over,
 * also within containers that run again; a container that is taken over is taken with all that ran within. A skipped run
 * elsewhere is neither: the rules of the graph skip it again, or do not.
 * @returns null where the new version has no such run
 */
export function planFork({ from, to, runs, at }: Fork): ForkPlan | null {
  const point = levelsOf(to, at);
  if (point === null) return null;
  const taking = new Taking({ from, to, point, runs });
  const began = runs.filter(({ status }) => status !== 'skipped');
  const known = new Set(began.map(({ path }) => templateOf(path)));
  return {
    takenOver: runs.filter(({ path }) => taking.takes(path)).map(({ path }) => path),
    again: began.filter(({ path }) => !taking.takes(path) && levelsOf(to, path) !== null).map(({ path }) => path),
    further: templatesOf(to).filter((template) => !known.has(template)),
  };
}

/** A path without the numbers of inner graphs: what the runs of one node have in common. */
export function templateOf(path: RunPath): RunPath {
  return path.replace(/\[\d+\]/g, '');
}

/** The node of a path, in whichever of its inner graphs; null where the graph has none. */
export function nodeOfTemplate(definition: GraphDefinition, template: RunPath): GraphNode | null {
  const [first, ...rest] = template.split('/');
  const node = definition.nodes.find(({ id }) => id === first);
  if (node === undefined || rest.length === 0) return node ?? null;
  return isContainer(node) ? nodeOfTemplate(node.graph, rest.join('/')) : null;
}

function templatesOf({ nodes }: GraphDefinition): readonly RunPath[] {
  return nodes.flatMap((node) => [
    node.id,
    ...(isContainer(node) ? templatesOf(node.graph).map((inner) => `${node.id}/${inner}`) : []),
  ]);
}

/** One node on the way to a run: where it is, and which of its inner graphs the way enters. */
interface Level {
  readonly graph: GraphDefinition;
  readonly node: GraphNode;
  readonly scope: string;
  readonly index: number | null;
}

/** The nodes on the way to a run, the outermost first; null where the graph has no such run. */
function levelsOf(definition: GraphDefinition, path: RunPath): readonly Level[] | null {
  const levels: Level[] = [];
  let graph: GraphDefinition | null = definition;
  let scope = '';
  const parts = parsePath(path) ?? [];
  for (const [depth, { node: id, index }] of parts.entries()) {
    const node: GraphNode | undefined = graph?.nodes.find((one) => one.id === id);
    if (graph === null || node === undefined) return null;
    levels.push({ graph, node, scope, index });
    if (depth === parts.length - 1) break;
    if (!isContainer(node) || containerOf(node).numbered !== (index !== null)) return null;
    scope = scopeWithin(node, `${scope}${id}`, index ?? 0);
    graph = node.graph;
  }
  return levels.length === 0 ? null : levels;
}

/** Decides for each run whether it is taken over, each once. */
class Taking {
  readonly #from: GraphDefinition;
  readonly #to: GraphDefinition;
  readonly #point: readonly Level[];
  readonly #runs: ReadonlyMap<RunPath, OriginRun>;
  readonly #known = new Map<RunPath, boolean>();
  readonly #behind = new Map<GraphNode, ReadonlySet<string>>();

  constructor({ from, to, point, runs }: Omit<Fork, 'at'> & { readonly point: readonly Level[] }) {
    this.#from = from;
    this.#to = to;
    this.#point = point;
    this.#runs = new Map(runs.map((run) => [run.path, run]));
  }

  takes(path: RunPath): boolean {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const taken = this.#decide(path);
    this.#known.set(path, taken);
    return taken;
  }

  #decide(path: RunPath): boolean {
    const run = this.#runs.get(path);
    const levels = levelsOf(this.#to, path);
    const last = levels?.at(-1);
    if (run === undefined || levels === null || last === undefined) return false;
    const container = parentOfPath(path);
    if (container !== null && this.takes(container)) return isSettled(run.status);
    const { graph, node } = last;
    const isTaken = run.status === 'ok' || (isOwnFailure(run) && isTolerated(graph, node.id));
    return (
      isTaken &&
      run.kind === node.kind &&
      run.performer === performerOf({ ...node, id: path }) &&
      !this.#follows(levels) &&
      this.#isUnchanged(levels, path) &&
      levels.every((level) => this.#canBegin(level))
    );
  }

  /** Whether a run is the point of the fork, or may follow from it. */
  #follows(levels: readonly Level[]): boolean {
    for (const [depth, { graph, node, index }] of levels.entries()) {
      const point = this.#point[depth];
      if (point === undefined) return true;
      if (node.id !== point.node.id) return this.#behindPoint(graph, point.node).has(node.id);
      const isEnd = depth === levels.length - 1 || depth === this.#point.length - 1;
      if (isEnd || !isContainer(node)) return true;
      if (index !== point.index) return containerOf(node).previous && Number(index) > Number(point.index);
    }
    return true;
  }

  /** The nodes that depend on a node, at any distance. */
  #behindPoint({ nodes }: GraphDefinition, point: GraphNode): ReadonlySet<string> {
    const known = this.#behind.get(point);
    if (known !== undefined) return known;
    const behind = new Set<string>();
    const ids = [point.id];
    // The array grows during the loop.
    for (const id of ids) {
      for (const node of nodes) {
        if (behind.has(node.id) || !node.dependsOn.some((dependency) => dependency.node === id)) continue;
        behind.add(node.id);
        ids.push(node.id);
      }
    }
    this.#behind.set(point, behind);
    return behind;
  }

  /** Whether the node of a run, and the containers around it, are the same in both versions. */
  #isUnchanged(levels: readonly Level[], path: RunPath): boolean {
    if (this.#from === this.#to) return true;
    const before = levelsOf(this.#from, path);
    const isSame = (node: GraphNode, depth: number) => {
      const isWhole = depth === levels.length - 1;
      return textOf(node, isWhole) === textOf(before?.[depth]?.node, isWhole);
    };
    return levels.every(({ node }, depth) => isSame(node, depth));
  }

  /** Whether all that a run waits for is taken over, or was skipped and will be again. */
  #canBegin({ node, scope }: Level): boolean {
    return node.dependsOn.every((dependency) => {
      const path = `${scope}${dependency.node}`;
      return this.#runs.get(path)?.status === 'skipped' || this.takes(path);
    });
  }
}

/** Whether it failed by itself: what was stopped by a failure elsewhere, or by a cancel, would have gone on. */
function isOwnFailure({ status, error }: OriginRun): boolean {
  const isStopped = error?.code === 'container_stopped' || error?.code === 'handler_cancelled';
  return (status === 'retryable_error' || status === 'fatal_error') && !isStopped;
}

/** What decides what a node does. @param isWhole whether what a container's inner graph does counts too */
function textOf(node: GraphNode | undefined, isWhole: boolean): string | null {
  if (node === undefined) return null;
  const { objective: _, ...own } = node;
  const shown =
    !isWhole && 'graph' in own ? { ...own, graph: { ...own.graph, description: '', nodes: [], edges: [] } } : own;
  return canonicalJson(shown as unknown as Json);
}
