import { Context } from '@temporalio/activity';
import { StaleFence } from '../../capabilities/capability-errors.ts';
import type { GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import { isQuick } from '../../domain/graphs/drive-quick.ts';
import { type GraphState, isFinished, isSettled, traceResult } from '../../domain/graphs/graph-state.ts';
import { isContainer, isContainerKind, readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import { openPaths, type Step } from '../../domain/graphs/run-state.ts';
import { documentIn, nodeOfRun, readsIn } from '../../domain/graphs/scope.ts';
import type { ExecutionRef, Failure, NodeResult } from '../../domain/tasks/execution.ts';
import { isTerminalTaskStatus, type TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { NOTHING_COUNTED, verdictOn } from '../../domain/traces/attempt.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';
import type { NewTraceEvent, RunEnd } from '../../operations/record/notes.ts';
import { type RecordingUnit, recording } from '../../operations/record/recording.ts';
import { storeValue } from '../../operations/record/store-value.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toFailure } from '../failure.ts';
import { rulesOf } from '../nodes/attempt-setting.ts';
import { runAttempt } from '../nodes/run-attempt.ts';
import { carryContainer } from './carry-containers.ts';
import { endTask } from './end-task.ts';
import { loadValues, unreadable } from './load-document.ts';
import { readDocument, type StretchActivity } from './read-stretch.ts';
import { type JudgedAttempt, Stretch } from './stretch.ts';

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
 * A stretch that was begun this often without being written has most likely killed its workers. Its nodes run as
 * activities of their own then, where the deaths of each are counted.
 */
const MAX_TRIES = 3;

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
      await (step.phase === 'run' ? runStep(opened, step) : carryContainer(opened, step));
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

/** Reads what the stretch may need, in one transaction, and counts that it begins. @throws StaleFence */
function open(
  deps: ActivityDependencies,
  input: RunQuickNodesInput,
  definition: GraphDefinition,
): Promise<StretchActivity | { closed: TerminalTaskStatus }> {
  const { execution, graph: state } = input;
  const quick = definition.nodes.filter(isQuick);
  const reads = readsIn(definition, '', [...quick.flatMap(readersOf), definition.output]);
  // What an earlier try wrote of an inner graph that had not begun is found by looking at everything.
  const first = Context.current().info.attempt === 1;
  const paths = first ? [...new Set([...openPaths(definition, state), ...reads.paths])] : undefined;
  return recording({ units: deps.database, log: deps.log }, execution.tenant, async ({ em, recorder }) => {
    const task = await new TaskRepository(em).find(execution.taskId);
    if (task === null || task.fence !== execution.fence) throw new StaleFence(execution.taskId, execution.fence);
    if (isTerminalTaskStatus(task.status)) return { closed: task.status };
    const tries = await recorder.stretchBegan(execution.traceId);
    const runs = await new RunRepository(em).list(execution.traceId, paths);
    const read = await loadValues(em, execution, reads, { task, runs }).catch(unreadable);
    const values = read instanceof StoredRowInvalid ? null : read;
    const opened = runs.filter((run) => run.status === 'running' && isContainerKind(run.kind));
    // Any other run that is open has attempts, which its row counts: it continues there.
    const open = runs.filter((run) => !isSettled(run.status) && !opened.includes(run)).map((run) => run.nodeId);
    const stretch = new Stretch({
      ...{ definition, state, unhosted: new Set([...input.unhosted, ...open]) },
      // What cannot be read is found out by running each node on its own: those that need it fail, the others run.
      apart: tries > MAX_TRIES || values === null,
      written: new Map(runs.filter((run) => isSettled(run.status)).map((run) => [run.nodeId, run])),
      opened: new Map(opened.map((run) => [run.nodeId, run.startedAt])),
      values: {
        task: values !== null && reads.task ? { value: values.task } : null,
        outputs: values?.outputs ?? new Map(),
        looked: new Set(values === null ? [] : reads.paths),
      },
    });
    return { deps, execution, hasDeadline: task.deadlineAt !== null, stretch };
  });
}

/** What a node needs that cannot be read makes it an activity of its own, which fails with the reason. */
async function runStep(activity: StretchActivity, { path }: Step): Promise<void> {
  const { stretch } = activity;
  const node = nodeOfRun(stretch.definition, path);
  const document = await readDocument(activity, node).catch(unreadable);
  if (document instanceof StoredRowInvalid) stretch.unhosted.add(path);
  else stretch.take(node, await attemptNode(activity, node, document));
}

/** Runs a quick node once, and judges how that ended. */
async function attemptNode(
  { deps, execution, hasDeadline }: StretchActivity,
  node: GraphNode,
  document: GraphDocument,
): Promise<JudgedAttempt> {
  const startedAt = new Date();
  const events: NewTraceEvent[] = [{ type: 'run.started', nodeId: node.id, data: { attempt: 1 }, at: startedAt }];
  const scope = {
    ...{ execution, attempt: 1, heartbeat: () => {} },
    note: (event: NewTraceEvent) => void events.push(event),
  };
  const { cancellationSignal: cancellation } = Context.current();
  const end = await runAttempt(node, { deps, scope, document, cancellation });
  if (end.kind === 'stopped') throw new Error('The stretch was interrupted before it was written.');
  const rules = { ...rulesOf(deps, node, hasDeadline), chance: Math.random() };
  return { verdict: verdictOn(end, NOTHING_COUNTED, rules), startedAt, events };
}

/** Writes every row of the stretch, and the task's end if it is reached, all or none. */
async function write({ deps, execution, stretch }: StretchActivity): Promise<TerminalTaskStatus | null> {
  const { definition, state, failure, events } = stretch;
  return recording({ units: deps.database, log: deps.log }, execution.tenant, async (unit) => {
    const rows = [...(await storedEnds(unit, execution, stretch)), ...stretch.open.values()];
    const written = await unit.recorder.runsReplaced(execution, rows);
    if (written === null) throw new StaleFence(execution.taskId, execution.fence);
    // Another try of this stretch came first, or this one did and its answer was lost: the next try finds the rows.
    if (written.size < rows.length) throw new Error('The stretch was written by another try.');
    if (!isFinished(definition, state)) {
      await unit.recorder.stretchEnded(execution.traceId, events);
      return null;
    }
    const { status } = traceResult(definition, state);
    const read = documentIn(definition, '', { values: stretch.values });
    const document = read.ok && !stretch.apart ? { document: read.document } : {};
    const ended = await endTask(unit, { execution, definition, status, failure, events, ...document });
    stretch.failure = ended.failure;
    return ended.status;
  });
}

async function storedEnds({ em }: RecordingUnit, execution: ExecutionRef, { ends }: Stretch): Promise<RunEnd[]> {
  const stored: RunEnd[] = [];
  for (const { end, output } of ends) {
    const name = `${end.nodeId}/output.json`;
    stored.push(output === undefined ? end : { ...end, output: await storeValue(em, execution, name, output) });
  }
  return stored;
}
