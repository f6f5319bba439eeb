import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { type GraphState, isSettled } from '../../domain/graphs/graph-state.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/status.ts';
import type { SettledRunStatus } from '../../domain/traces/status.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import { type RunEnd, type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';
import { type NewTraceEvent, TraceRepository } from '../../entities/traces/trace-repository.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toFailure } from '../failure.ts';
import { withRecord } from '../traces/with-record.ts';
import { type Ended, endTask } from './end-task.ts';

export interface CloseTaskInput {
  readonly execution: ExecutionRef;
  /** The graph's last state: what of it is not in the rows yet is written now. */
  readonly graph: GraphState;
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
}

/**
 * Writes the end of a task that its last node could not write: a failure, a cancel, or nodes that ended side by side.
 * One transaction; repeating it returns the end that stands.
 */
export async function closeTask(deps: ActivityDependencies, input: CloseTaskInput): Promise<Ended> {
  const { execution } = input;
  try {
    const definition = await deps.graphs.get(execution.tenant, execution.graphId);
    const ended = await withRecord(deps, (record) =>
      deps.database.inTenant(execution.tenant, async ({ em }) => {
        const runs = new RunRepository(em);
        const missing = missingEnds(definition, input, await runs.list(execution.traceId));
        await runs.replace(execution, missing);
        if (record) await new TraceRepository(em).append(execution.traceId, missing.map(eventOf));
        return endTask(em, { ...input, definition, record });
      }),
    );
    deps.taskEnded({ tenant: execution.tenant, taskId: execution.taskId });
    return ended;
  } catch (error) {
    throw toFailure(error);
  }
}

/** The ends of nodes whose rows do not show them: skipped ones, cancelled ones, and those whose workers are gone. */
function missingEnds(definition: GraphDefinition, input: CloseTaskInput, runs: readonly RunRecord[]): RunEnd[] {
  const rows = new Map(runs.map((run) => [run.nodeId, run]));
  return definition.nodes.flatMap((node): RunEnd[] => {
    const row = rows.get(node.id);
    if (row !== undefined && isSettled(row.status)) return [];
    const state = input.graph.nodes[node.id];
    const status: SettledRunStatus = state !== undefined && isSettled(state.status) ? state.status : 'skipped';
    const subject = { nodeId: node.id, agent: node.handler ?? node.id, kind: node.kind };
    return [{ ...subject, ...endOf(input, node.id, status), ...startOf(row, status) }];
  });
}

function endOf(input: CloseTaskInput, nodeId: string, status: SettledRunStatus) {
  const reason = input.graph.nodes[nodeId]?.reason ?? `the task was ${input.status}`;
  const { failure } = input;
  const cause = failure?.node === nodeId ? failure : { code: 'handler_cancelled', message: reason };
  const error = status === 'skipped' ? { code: 'skipped', message: reason } : cause;
  return { status, failures: 0, outcome: null, output: NOTHING_STORED, error, finishedAt: new Date() };
}

function startOf(row: RunRecord | undefined, status: SettledRunStatus): { attempts: number; startedAt: Date | null } {
  if (status === 'skipped') return { attempts: 0, startedAt: null };
  return { attempts: Math.max(1, row?.attempts ?? 1), startedAt: row?.startedAt ?? null };
}

function eventOf(end: RunEnd): NewTraceEvent {
  if (end.status === 'skipped') {
    return { type: 'run.skipped', nodeId: end.nodeId, data: { reason: end.error?.message ?? '' } };
  }
  return { type: 'run.failed', nodeId: end.nodeId, data: { attempt: end.attempts, ...end.error } };
}
