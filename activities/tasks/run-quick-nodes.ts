import { Context } from '@temporalio/activity';
import { StaleFence } from '../../capabilities/capability-errors.ts';
import { retryDelayMs } from '../../domain/agents/retry-policy.ts';
import type { GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import { isQuick, quickStretch } from '../../domain/graphs/drive-quick.ts';
import {
  type GraphState,
  isFinished,
  isSettled,
  settleNode,
  startNodes,
  traceResult,
} from '../../domain/graphs/graph-state.ts';
import { budgetOf, performerOf, readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import type { ExecutionRef, Failure, NodeResult } from '../../domain/tasks/execution.ts';
import { isTerminalTaskStatus, type TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { afterFailedAttempt } from '../../domain/traces/retry.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';
import type { NewTraceEvent, RunEnd, RunWait } from '../../operations/record/notes.ts';
import { recording } from '../../operations/record/recording.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toFailure } from '../failure.ts';
import { type AttemptEnd, retryPolicyFor, runAttempt } from './attempt.ts';
import { endTask } from './end-task.ts';
import { loadDocument, unreadable } from './load-document.ts';
import { storeValue } from './store-value.ts';

export interface RunQuickNodesInput {
  readonly execution: ExecutionRef;
  readonly graph: GraphState;
  /** Quick nodes that are to be left out: they run as activities of their own. */
  readonly unhosted: readonly string[];
}

export interface RunQuickNodesResult {
  /** In the order in which the nodes ended. */
  readonly settled: readonly NodeResult[];
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
 * Stands for what cannot be read where it is stored. Which nodes need it is found out by running each on its own: those
 * fail with the reason, the others run.
 */
const NOTHING_READ: GraphDocument = { task: null, nodes: {} };

type FailedEnd = Extract<AttemptEnd, { kind: 'failed' }>;

/** A stretch on its way: what the nodes left so far, nothing of it written yet. */
interface Stretch {
  readonly deps: ActivityDependencies;
  readonly execution: ExecutionRef;
  readonly definition: GraphDefinition;
  readonly unhosted: Set<string>;
  /** Runs that an earlier try of this very stretch wrote before its report was lost. */
  readonly written: ReadonlyMap<string, RunRecord>;
  document: GraphDocument;
  state: GraphState;
  failure: Failure | null;
  readonly ends: (RunEnd & { readonly value: AttemptEnd })[];
  /** Runs that failed and are tried again elsewhere. */
  readonly waits: RunWait[];
  readonly settled: NodeResult[];
  readonly events: NewTraceEvent[];
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
    await drive(opened);
    const closed = await write(opened);
    if (closed !== null) deps.taskEnded(execution, closed);
    await deps.reach('after_stretch_before_report');
    const { settled, unhosted, failure } = opened;
    return { settled, unhosted: [...unhosted], failure, closed };
  } catch (error) {
    throw toFailure(error);
  }
}

/** Reads what the stretch may need, in one transaction, and counts that it begins. @throws StaleFence */
function open(
  deps: ActivityDependencies,
  input: RunQuickNodesInput,
  definition: GraphDefinition,
): Promise<Stretch | { closed: TerminalTaskStatus }> {
  const { execution, graph } = input;
  const quick = definition.nodes.filter(isQuick);
  const readers = [...quick.flatMap(readersOf), definition.output];
  return recording({ units: deps.database, log: deps.log }, execution.tenant, async ({ em, recorder }) => {
    const task = await new TaskRepository(em).find(execution.taskId);
    if (task === null || task.fence !== execution.fence) throw new StaleFence(execution.taskId, execution.fence);
    if (isTerminalTaskStatus(task.status)) return { closed: task.status };
    const tries = await recorder.stretchBegan(execution.traceId);
    const runs = await new RunRepository(em).list(execution.traceId);
    const read = await loadDocument(em, execution, readers, { task, runs }).catch(unreadable);
    const document = read instanceof StoredRowInvalid ? NOTHING_READ : read;
    const written = new Map(runs.filter((run) => isSettled(run.status)).map((run) => [run.nodeId, run]));
    const apart = tries > MAX_TRIES || document === NOTHING_READ;
    // A run that is open has attempts, which its row counts: it goes on there.
    const open = runs.filter((run) => !isSettled(run.status)).map((run) => run.nodeId);
    const unhosted = new Set(apart ? quick.map((node) => node.id) : [...input.unhosted, ...open]);
    const empty = { failure: null, ends: [], waits: [], settled: [], events: [] };
    return { deps, execution, definition, unhosted, written, document, state: graph, ...empty };
  });
}

async function drive(stretch: Stretch): Promise<void> {
  for (;;) {
    const ready = quickStretch(stretch.definition, stretch.state);
    const node = ready.find((candidate) => !stretch.unhosted.has(candidate.id));
    if (node === undefined) return;
    const known = stretch.written.get(node.id);
    if (known === undefined) await runOne(stretch, node);
    else repeatOne(stretch, known);
  }
}

/**
 * Runs a quick node once. What another attempt may help, and what a limit holds up, leaves the stretch: the node goes on
 * as an activity of its own, which waits by the server's timer and holds nothing up meanwhile.
 */
async function runOne(stretch: Stretch, node: GraphNode): Promise<void> {
  const startedAt = new Date();
  const begun: NewTraceEvent[] = [{ type: 'run.started', nodeId: node.id, data: { attempt: 1 }, at: startedAt }];
  const end = await attemptQuick(stretch, node, (event) => begun.push(event));
  if (end.kind === 'unhosted' || end.kind === 'limited') {
    stretch.unhosted.add(node.id);
    return;
  }
  if (end.kind === 'cancelled') throw new Error('The stretch was interrupted before it was written.');
  stretch.events.push(...begun);
  const { maxRetries } = budgetOf(node);
  const status = end.kind === 'ok' ? 'ok' : afterFailedAttempt({ attempt: 1, maxRetries, retryable: end.retryable });
  if (status !== 'retry') settleOne(stretch, node, { end, status, startedAt });
  else if (end.kind === 'failed') leaveWaiting(stretch, node, { end, startedAt });
}

function leaveWaiting(
  stretch: Stretch,
  node: GraphNode,
  { end, startedAt }: { end: FailedEnd; startedAt: Date },
): void {
  const { code, message, retryAfterMs } = end;
  const policy = retryPolicyFor(stretch.deps.handlers, node);
  stretch.unhosted.add(node.id);
  stretch.waits.push({
    ...subjectOf(node),
    status: 'pending',
    attempts: 1,
    failures: 1,
    outcome: null,
    output: NOTHING_STORED,
    error: { code, message },
    startedAt,
    finishedAt: null,
    waitMs: retryDelayMs(policy, { failures: 1, retryAfterMs, chance: Math.random() }),
  });
}

function attemptQuick(
  { deps, execution, document }: Stretch,
  node: GraphNode,
  note: (event: NewTraceEvent) => void,
): Promise<AttemptEnd> {
  const scope = { execution, attempt: 1, heartbeat: () => {}, note };
  return runAttempt(node, { ...{ deps, scope, document }, cancellation: Context.current().cancellationSignal });
}

function settleOne(
  stretch: Stretch,
  node: GraphNode,
  { end, status, startedAt }: { end: AttemptEnd; status: NodeResult['status']; startedAt: Date },
): void {
  const finishedAt = new Date();
  const outcome = end.kind === 'ok' ? end.outcome : null;
  const error = end.kind === 'failed' ? { code: end.code, message: end.message } : null;
  const result: NodeResult = { id: node.id, status, attempts: 1, ...(outcome === null ? {} : { outcome }) };
  stretch.ends.push({
    ...subjectOf(node),
    status,
    attempts: 1,
    failures: error === null ? 0 : 1,
    outcome,
    output: NOTHING_STORED,
    error,
    startedAt,
    finishedAt,
    value: end,
  });
  const data = { attempt: 1, ...error };
  stretch.events.push({ type: error ? 'run.failed' : 'run.completed', nodeId: node.id, data, at: finishedAt });
  if (end.kind === 'ok') {
    stretch.document = { ...stretch.document, nodes: { ...stretch.document.nodes, [node.id]: end.output } };
  }
  advance(stretch, result, error);
}

/** Takes over a run that is already in its row, whose output `open` has read. */
function repeatOne(stretch: Stretch, run: RunRecord): void {
  const { nodeId: id, attempts, outcome, error } = run;
  const status = run.status as NodeResult['status'];
  advance(stretch, { id, status, attempts, ...(outcome === null ? {} : { outcome }) }, error);
}

function advance(stretch: Stretch, result: NodeResult, error: RunRecord['error']): void {
  const started = startNodes(stretch.state, [result.id]);
  const { state, skipped } = settleNode(stretch.definition, started, result.id, result);
  stretch.state = state;
  stretch.settled.push(result);
  if (state.failedNode === result.id && error !== null) stretch.failure = { ...error, node: result.id };
  for (const { id, reason } of skipped) {
    if (stretch.written.has(id)) continue;
    stretch.events.push({ type: 'run.skipped', nodeId: id, data: { reason }, at: new Date() });
    stretch.ends.push(skippedEnd(nodeOf(stretch.definition, id), reason));
  }
}

/** Writes every row of the stretch, and the task's end if it is reached, all or none. */
async function write(stretch: Stretch): Promise<TerminalTaskStatus | null> {
  const { deps, execution, definition, state, failure, document } = stretch;
  const finished = isFinished(definition, state);
  return recording({ units: deps.database, log: deps.log }, execution.tenant, async (unit) => {
    const ends = [];
    for (const { value, ...end } of stretch.ends) {
      const stored =
        value.kind === 'ok'
          ? await storeValue(unit.em, execution, `${end.nodeId}/output.json`, value.output)
          : NOTHING_STORED;
      ends.push({ ...end, output: stored });
    }
    const rows = [...ends, ...stretch.waits];
    const written = await unit.recorder.runsReplaced(execution, rows);
    if (written === null) throw new StaleFence(execution.taskId, execution.fence);
    // Another try of this stretch came first, or this one did and its answer was lost: the next try finds the rows.
    if (written.size < rows.length) throw new Error('The stretch was written by another try.');
    if (!finished) {
      await unit.recorder.stretchEnded(execution.traceId, stretch.events);
      return null;
    }
    const { status } = traceResult(definition, state);
    const { events } = stretch;
    const ended = await endTask(unit, { execution, definition, status, failure, document, events });
    stretch.failure = ended.failure;
    return ended.status;
  });
}

function skippedEnd(node: GraphNode, reason: string): Stretch['ends'][number] {
  return {
    ...subjectOf(node),
    status: 'skipped',
    attempts: 0,
    failures: 0,
    outcome: null,
    output: NOTHING_STORED,
    error: { code: 'skipped', message: reason },
    startedAt: null,
    finishedAt: new Date(),
    value: { kind: 'cancelled' },
  };
}

function subjectOf(node: GraphNode): { nodeId: string; agent: string; kind: string } {
  return { nodeId: node.id, agent: performerOf(node), kind: node.kind };
}

function nodeOf(definition: GraphDefinition, id: string): GraphNode {
  const node = definition.nodes.find((candidate) => candidate.id === id);
  if (node === undefined) throw new Error(`The graph ${definition.name} has no node ${id}.`);
  return node;
}
