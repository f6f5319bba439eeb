import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { quickStretch } from '../../domain/graphs/drive-quick.ts';
import { type GraphState, isSettled, skippedNodes } from '../../domain/graphs/graph-state.ts';
import { containerOf, isContainer } from '../../domain/graphs/kinds/kind-table.ts';
import { innerAt, openPaths, type Step, scopeWithin } from '../../domain/graphs/run-state.ts';
import { nodeOfRun } from '../../domain/graphs/scope.ts';
import type { TraceId } from '../../domain/ids.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';

/** From where a stretch sets out. */
export interface StretchOrigin {
  readonly traceId: TraceId;
  readonly definition: GraphDefinition;
  readonly state: GraphState;
  /** Whether there may be runs in containers that have not been opened: a fork has taken them over. */
  readonly isFork: boolean;
}

/**
 * The runs that a stretch needs to know: those that are open or skipped in its state, those that it reads, and all of them
 * where an earlier try wrote its rows and died before its report. No count of tries shows that, because it died with its worker.
 * Its first steps do: such a try has ended what is ready in the state, opened it, or begun the round after the last.
 */
export async function writtenRuns(
  em: SqlEntityManager,
  { traceId, definition, state, isFork }: StretchOrigin,
  reads: readonly RunPath[],
): Promise<readonly RunRecord[]> {
  // What a failure has skipped may have begun in a try that was not heard, containers with all that is in them.
  if (state.failedNode !== null) return new RunRepository(em).list(traceId);
  const open = openPaths(definition, state);
  if (isFork && open.some((path) => isUnopened(definition, state, path))) return new RunRepository(em).list(traceId);
  const steps = quickStretch(definition, state);
  const rounds = steps.flatMap((step) => nextRound(state, step));
  const repository = new RunRepository(em);
  const skipped = skippedNodes(state).map(({ id }) => id);
  const paths = new Set([...open, ...skipped, ...rounds, ...reads]);
  const runs = await repository.list(traceId, [...paths]);
  const found = new Map(runs.map((run) => [run.nodeId, run]));
  const isTaken = ({ path, phase }: Step) => {
    const run = found.get(path);
    return run !== undefined && (phase === 'open' || isSettled(run.status));
  };
  const isUnreported = steps.some(isTaken) || rounds.some((path) => found.has(path));
  return isUnreported ? repository.list(traceId) : runs;
}

function isUnopened(definition: GraphDefinition, state: GraphState, path: RunPath): boolean {
  return isContainer(nodeOfRun(definition, path)) && innerAt(state, path) === undefined;
}

/** The paths of the inner graph that a container's turn may begin. */
function nextRound(state: GraphState, { path, node, phase }: Step): readonly RunPath[] {
  if (phase !== 'turn' || !isContainer(node) || !containerOf(node).numbered) return [];
  const scope = scopeWithin(node, path, innerAt(state, path)?.size ?? 0);
  return node.graph.nodes.map(({ id }) => `${scope}${id}`);
}
