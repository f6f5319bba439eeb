import type { RecordedRun, RecordedTrace } from '../traces/canonical.ts';
import { nodeOfPath, parentOfPath, type RunPath, scopeOfPath } from '../traces/path.ts';
import type { GraphDefinition } from './definition.ts';
import { isTolerated } from './graph-state.ts';
import { stoppedFault } from './kinds/inner-graph.ts';
import { isContainer } from './kinds/kind-table.ts';
import { nodeOfRun } from './scope.ts';

/** What of a replay decides which failure counts next. */
export interface FailureView {
  readonly definition: GraphDefinition;
  readonly record: RecordedTrace;
  /** The runs of the record by their paths. */
  readonly known: ReadonlyMap<RunPath, RecordedRun>;
  /** Whether a run has begun in the replay. */
  readonly hasBegun: (path: RunPath) => boolean;
}

/**
 * Of failures that happened side by side, the one that counted first. Their events do not say it, because two ends may be
 * written in one order and heard of in the other. What they led to does: nothing begins that a failure has stopped, and what
 * failed by one of them, the task or a container, names it.
 */
export function nextFailure(failures: readonly RunPath[], view: FailureView): RunPath | undefined {
  const places = [...view.known.keys()];
  const ordered = failures.map((path) => ({
    path,
    order: [Number(stopsTooMuch(path, view)), turnOf(path, view), places.indexOf(path)],
  }));
  return ordered.toSorted((one, other) => compare(one.order, other.order))[0]?.path;
}

/** Whether a failure would stop what the record says began: then another one comes first, which lets that begin. */
function stopsTooMuch(path: RunPath, view: FailureView): boolean {
  if (countsForNothing(path, view)) return false;
  const scope = scopeOfPath(path);
  const begins = ({ path: other, status }: RecordedRun) => other.startsWith(scope) && status !== 'skipped';
  return view.record.runs.some((run) => begins(run) && !view.hasBegun(run.path));
}

const STOPPED = stoppedFault('').code;

/** Tolerated ones first, because they stop nothing. A container that was stopped failed by none within. */
function turnOf(path: RunPath, view: FailureView): number {
  if (countsForNothing(path, view)) return 0;
  const parent = parentOfPath(path);
  if (parent === null) return view.record.end?.error?.node === path ? 3 : 4;
  const { code, message = '' } = view.known.get(parent)?.error ?? {};
  if (code === STOPPED) return 5;
  return message.startsWith(`${path}: `) ? 1 : 2;
}

function countsForNothing(path: RunPath, { definition }: FailureView): boolean {
  const parent = parentOfPath(path);
  const container = parent === null ? null : nodeOfRun(definition, parent);
  const graph = container !== null && isContainer(container) ? container.graph : definition;
  return isTolerated(graph, nodeOfPath(path));
}

/** Lists of numbers in the order of their first difference. */
function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return (one[at] ?? 0) - (other[at] ?? 0);
}
