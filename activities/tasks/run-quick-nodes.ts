import { Context } from '@temporalio/activity';
import { StaleFence } from '../../capabilities/capability-errors.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { isQuick } from '../../domain/graphs/drive-quick.ts';
import type { GraphState } from '../../domain/graphs/graph-state.ts';
import { isContainer, readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import { readsIn, type TraceReads, type TraceValues } from '../../domain/graphs/scope.ts';
import type { ExecutionRef, Failure, NodeResult } from '../../domain/tasks/execution.ts';
import { isTerminalTaskStatus, type TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { RunRecord } from '../../entities/traces/run-repository.ts';
import type { OpenedStretch } from '../../operations/record/open-stretch.ts';
import { recordWave } from '../../operations/record/record-wave.ts';
import { recording } from '../../operations/record/recording.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toFailure } from '../failure.ts';
import { Breath } from './breath.ts';
import { loadValues, unreadable } from './load-document.ts';
import { type Stretch, stretchFrom } from './stretch.ts';
import { noteOf, type StretchActivity } from './stretch-activity.ts';
import { carryOut } from './stretch-step.ts';
import { writtenRuns } from './written-runs.ts';

export interface RunQuickNodesInput {
  readonly execution: ExecutionRef;
  readonly graph: GraphState;
  /** Quick nodes that are to be left out: they run as activities of their own. */
  readonly unhosted: readonly string[];
}

export interface RunQuickNodesResult {
  /** In the order in which the nodes ended. Empty where `graph` says it all. */
  readonly settled: readonly NodeResult[];
  /** The state that the stretch led to, of a graph with inner graphs: those that have ended have no place in it. */
  readonly graph?: GraphState;
  readonly unhosted: readonly string[];
  readonly failure: Failure | null;
  /** Set when the stretch was the rest of the task, whose end was written with it. */
  readonly closed: TerminalTaskStatus | null;
}

/**
 * Drives the graph through every quick node that it can reach, then writes all their rows, and the end of the task if
 * that is what they lead to, in one transaction. Nothing is written before: a try that dies is repeated whole, and one
 * whose report was lost finds its rows and repeats them.
 */
export async function runQuickNodes(
  deps: ActivityDependencies,
  input: RunQuickNodesInput,
): Promise<RunQuickNodesResult> {
  const { execution } = input;
  try {
    const definition = await deps.graphs.get(execution.tenant, execution.graphId);
    const opened = await open(deps, input, definition);
    if ('closed' in opened) return { settled: [], unhosted: [], failure: null, closed: opened.closed };
    const { stretch } = opened;
    for (let step = stretch.next(); step !== null; step = stretch.next()) {
      await carryOut(opened, step);
    }
    const closed = await write(opened);
    if (closed !== null) deps.taskEnded(execution, closed);
    await deps.reach('after_stretch_before_report');
    return { ...report(stretch), closed };
  } catch (error) {
    throw toFailure(error);
  }
}

function report({ definition, settled, unhosted, failure, state }: Stretch): Omit<RunQuickNodesResult, 'closed'> {
  const known = { unhosted: [...unhosted], failure };
  return definition.nodes.some(isContainer) ? { settled: [], graph: state, ...known } : { settled, ...known };
}

/** Counts that the stretch begins, and reads what it may need. @throws StaleFence */
async function open(
  deps: ActivityDependencies,
  input: RunQuickNodesInput,
  definition: GraphDefinition,
): Promise<StretchActivity | { closed: TerminalTaskStatus }> {
  const { execution, graph: state, unhosted } = input;
  const units = deps.database.single;
  const opened = await recording({ units, log: deps.log }, execution.tenant, ({ recorder }) =>
    recorder.stretchBegan(execution),
  );
  if (opened === null) throw new StaleFence(execution.taskId, execution.fence);
  const { task, tries } = opened;
  if (isTerminalTaskStatus(task.status)) return { closed: task.status };
  const quick = definition.nodes.filter(isQuick);
  const reads = readsIn(definition, '', [...quick.flatMap(readersOf), definition.output]);
  const { runs, values } = await readRows(deps, { execution, definition, state, reads, opened });
  const stretch = stretchFrom({ definition, state, unhosted, tries, runs, values, reads });
  const { cancellationSignal: cancellation } = Context.current();
  return { deps, execution, hasDeadline: task.deadlineAt !== null, stretch, breath: new Breath(), cancellation };
}

interface StretchReads {
  readonly execution: ExecutionRef;
  readonly definition: GraphDefinition;
  readonly state: GraphState;
  readonly reads: TraceReads;
  readonly opened: OpenedStretch;
}

/** The first stretch of a task that is small has read all there is. The values are null where they cannot be read. */
async function readRows(
  { database }: ActivityDependencies,
  { execution, definition, state, reads, opened: { task, hasRuns, isFork } }: StretchReads,
): Promise<{ readonly runs: readonly RunRecord[]; readonly values: TraceValues | null }> {
  const { json, artifactId } = task.input;
  if (!hasRuns && artifactId === null)
    return { runs: [], values: { task: reads.task ? JSON.parse(json ?? 'null') : null, outputs: new Map() } };
  return database.inTenant(execution.tenant, async ({ em }) => {
    const runs = await writtenRuns(em, { traceId: execution.traceId, definition, state, isFork }, reads.paths);
    const read = await loadValues(em, execution, reads, { task, runs }).catch(unreadable);
    return { runs, values: read instanceof StoredRowInvalid ? null : read };
  });
}

/** Writes every row of the stretch, and the task's end if it is reached, all or none. */
async function write(activity: StretchActivity): Promise<TerminalTaskStatus | null> {
  const { deps, execution, stretch } = activity;
  const [outcome] = await recordWave(deps, [await noteOf(activity)]);
  switch (outcome?.kind) {
    case 'written':
      stretch.failure = outcome.end === null ? stretch.failure : outcome.end.failure;
      return outcome.end?.status ?? null;
    // Another try of this stretch came first, or this one did and its answer was lost: the next try finds the rows.
    case 'known':
      throw new Error('The stretch was written by another try.');
    case 'failed':
      throw outcome.error;
    default:
      throw new StaleFence(execution.taskId, execution.fence);
  }
}
