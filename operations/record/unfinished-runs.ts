import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { type GraphState, isSettled } from '../../domain/graphs/graph-state.ts';
import { performerOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { parentOfPath } from '../../domain/traces/path.ts';
import type { SettledRunStatus } from '../../domain/traces/trace-status.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import type { RunRecord } from '../../entities/traces/run-repository.ts';
import type { NewTraceEvent, RunEnd } from './notes.ts';

/** How the task of a trace ends, as far as it concerns the runs that have not ended. */
export interface TaskEnding {
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
  /** What the workflow knows of its nodes; absent when nobody can ask it any more. */
  readonly nodes?: GraphState['nodes'];
}

/**
 * The ends of nodes whose rows do not show them: skipped ones, cancelled ones, and those whose workers are gone. Without
 * the workflow's word a node that has a row was interrupted, and one that has none never began.
 */
export function unfinishedRuns(
  definition: GraphDefinition,
  ending: TaskEnding,
  runs: readonly RunRecord[],
): readonly RunEnd[] {
  const rows = new Map(runs.map((run) => [run.nodeId, run]));
  // Of an inner graph what has begun is ended; what has not leaves no row.
  const inner = interruptedRuns(
    ending,
    runs.filter(({ nodeId }) => parentOfPath(nodeId) !== null),
  );
  const own = definition.nodes.flatMap((node): RunEnd[] => {
    const row = rows.get(node.id);
    if (row !== undefined && isSettled(row.status)) return [];
    const status = statusOf(ending, node.id, row);
    const subject = { nodeId: node.id, agent: performerOf(node), kind: node.kind };
    return [{ ...subject, ...endOf(ending, node.id, status), ...startOf(row, status) }];
  });
  return [...own, ...inner];
}

/** The ends of the runs that have a row and no end, where nobody knows the graph any more. */
export function interruptedRuns(ending: TaskEnding, runs: readonly RunRecord[]): readonly RunEnd[] {
  return runs
    .filter((run) => !isSettled(run.status))
    .map((run) => {
      const { nodeId, agent, kind } = run;
      return { nodeId, agent, kind, ...endOf(ending, nodeId, 'fatal_error'), ...startOf(run, 'fatal_error') };
    });
}

/** The event of each of these ends. */
export function endEvents(ends: readonly RunEnd[]): readonly NewTraceEvent[] {
  return ends.map((end) =>
    end.status === 'skipped'
      ? { type: 'run.skipped', nodeId: end.nodeId, data: { reason: end.error?.message ?? '' } }
      : { type: 'run.failed', nodeId: end.nodeId, data: { attempt: end.attempts, ...end.error } },
  );
}

function statusOf({ nodes, failure }: TaskEnding, nodeId: string, row: RunRecord | undefined): SettledRunStatus {
  if (nodes === undefined) return row === undefined ? 'skipped' : 'fatal_error';
  const state = nodes[nodeId];
  // A container that was told to stop has begun, and has no end of its own.
  if (state === undefined || !isSettled(state.status)) return row === undefined ? 'skipped' : 'fatal_error';
  // The workflow settles a node that it has scheduled and then cancelled; where no attempt took it up, it never began.
  const neverBegan = row === undefined && state.status !== 'ok' && failure?.node !== nodeId;
  if (neverBegan) return 'skipped';
  // The graph skipped what it did not know to have begun: the report of that was lost.
  return row !== undefined && state.status === 'skipped' ? 'fatal_error' : state.status;
}

function endOf({ status: taskStatus, failure, nodes }: TaskEnding, nodeId: string, status: SettledRunStatus) {
  const reason = nodes?.[nodeId]?.reason ?? `the task was ${taskStatus}`;
  const cause = failure?.node === nodeId ? failure : { code: 'handler_cancelled', message: reason };
  const error = status === 'skipped' ? { code: 'skipped', message: reason } : cause;
  return { status, failures: 0, outcome: null, output: NOTHING_STORED, error, finishedAt: new Date() };
}

function startOf(row: RunRecord | undefined, status: SettledRunStatus): { attempts: number; startedAt: Date | null } {
  if (status === 'skipped') return { attempts: 0, startedAt: null };
  return { attempts: Math.max(1, row?.attempts ?? 1), startedAt: row?.startedAt ?? null };
}
