import {
  ActivityFailure,
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import { stateSummary, stateTable } from '../../domain/graphs/describe-state.ts';
import { isQuick, quickStretch } from '../../domain/graphs/drive-quick.ts';
import {
  abandon,
  type GraphState,
  isFinished,
  readyNodes,
  settleNode,
  startGraph,
  startNodes,
  traceResult,
} from '../../domain/graphs/graph-state.ts';
import { SEARCH_ATTRIBUTES } from '../../domain/system/search-attributes.ts';
import type { ExecuteTaskInput, ExecuteTaskResult, Failure, NodeResult } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { localActivities, type NodeEnd, nodeActivity, nodeLabel, stretchActivity } from '../activities.ts';
import { pauseSignal, resumeSignal, statusQuery } from './task-messages.ts';

/**
 * The state and the rules of one execution. Modes: *running* starts every node that is ready; *paused* starts nothing
 * and lets running nodes end; *cancelled* and *failed* start nothing more. It ends when every node has settled.
 */
export class TaskExecution {
  readonly #input: ExecuteTaskInput;
  readonly #plan: GraphDefinition;
  /** Quick nodes that cannot run as part of a stretch, and run as ordinary activities instead. */
  readonly #unhosted = new Set<string>();
  #graph: GraphState;
  #paused: boolean;
  /** Whether PostgreSQL has been told of the pause, so that each change is written once. */
  #pauseWritten: boolean;
  #running = 0;
  /** Grows with every change that the main loop has to look at. */
  #changes = 0;
  #failure: Failure | null = null;
  #cancelled = false;
  #missedDeadline = false;
  /** Set when the task's end is already in PostgreSQL, written together with the last node. */
  #closed: TerminalTaskStatus | null = null;

  constructor(input: ExecuteTaskInput) {
    this.#input = input;
    this.#plan = input.plan;
    this.#graph = input.carried?.graph ?? startGraph(input.plan);
    this.#paused = input.carried?.paused ?? input.paused ?? false;
    this.#pauseWritten = this.#paused;
  }

  listen(): void {
    setHandler(pauseSignal, () => this.#setPaused(true));
    setHandler(resumeSignal, () => this.#setPaused(false));
    setHandler(statusQuery, () => ({ paused: this.#paused, nodes: this.#graph.nodes }));
    this.#describe();
  }

  /**
   * Runs the graph until every node has ended, or until the deadline, which stops what runs as a cancel does. A task
   * without a deadline has no timer.
   */
  async runToEnd(): Promise<void> {
    const { deadlineAtMs } = this.#input;
    if (deadlineAtMs === undefined) return this.#runNodes();
    const nodes = new CancellationScope();
    const timer = new CancellationScope();
    timer
      .run(() => sleep(Math.max(1, deadlineAtMs - Date.now())))
      .then(
        () => {
          this.#missedDeadline = !this.#cancelled;
          nodes.cancel();
        },
        () => undefined,
      );
    try {
      await nodes.run(() => this.#runNodes());
    } finally {
      timer.cancel();
    }
  }

  /**
   * The main loop: start what is ready, wait for a change, until every node has ended. Whatever needs no waiting is
   * plain calls, because the SDK takes a stack trace for every promise that a workflow makes.
   */
  async #runNodes(): Promise<void> {
    while (!this.#finished()) {
      try {
        if (this.#isLong()) await this.#continueAsNew();
        if (this.#paused !== this.#pauseWritten) await this.#writePause();
        const stretch = this.#readyStretch();
        if (stretch.length > 0) await this.#runQuickStretch(stretch);
        else await this.#startAndWait();
      } catch (error) {
        if (!isCancellation(error)) throw error;
        this.#cancel();
      }
    }
  }

  /** Writes the end of the task, unless the last node did, and ends the workflow as the task ended. */
  async finish(): Promise<ExecuteTaskResult> {
    const status = this.#closed ?? (await CancellationScope.nonCancellable(() => this.#close()));
    const taskId = this.#input.execution.taskId;
    upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.status, value: status }]);
    // A cancel that PostgreSQL accepted and of which nobody has told the workflow yet is no end that Temporal knows.
    const isAsked = CancellationScope.current().consideredCancelled;
    if (status === 'cancelled' && isAsked) throw new CancelledFailure('The task was cancelled');
    if (status === 'failed') throw ApplicationFailure.nonRetryable(...describeFailure(this.#failure));
    return { taskId, status, nodes: stateSummary(this.#plan, this.#graph) };
  }

  #finished(): boolean {
    return this.#closed !== null || (this.#running === 0 && isFinished(this.#plan, this.#graph));
  }

  get #startsNothing(): boolean {
    return this.#paused || this.#cancelled;
  }

  #startAndWait(): Promise<void> {
    const seen = this.#changes;
    if (!this.#startsNothing) for (const node of readyNodes(this.#plan, this.#graph)) this.#startSlow(node);
    const changed = () => condition(() => this.#changes > seen || this.#finished());
    return this.#cancelled ? CancellationScope.nonCancellable(changed) : changed();
  }

  #readyStretch(): readonly GraphNode[] {
    if (this.#startsNothing) return [];
    return quickStretch(this.#plan, this.#graph).filter((node) => !this.#unhosted.has(node.id));
  }

  async #runQuickStretch(stretch: readonly GraphNode[]): Promise<void> {
    const { runQuickNodes } = stretchActivity(
      stretch.map(nodeLabel).join(', ').slice(0, 120),
      this.#plan.nodes.filter((node) => isQuick(node) && this.#graph.nodes[node.id]?.status === 'pending'),
    );
    const done = await runQuickNodes({
      execution: this.#input.execution,
      graph: this.#graph,
      unhosted: [...this.#unhosted],
    });
    for (const id of done.unhosted) this.#unhosted.add(id);
    for (const result of done.settled) this.#settle(result);
    this.#failure = done.failure ?? this.#failure;
    this.#closed = done.closed;
  }

  #startSlow(node: GraphNode): void {
    this.#graph = startNodes(this.#graph, [node.id]);
    this.#running += 1;
    const input = { execution: this.#input.execution, nodeId: node.id, closesTask: this.#isLast(node) };
    nodeActivity(node)
      .runNode(input)
      .then(
        (done) => this.#slowNodeEnded(() => this.#slowNodeDone(done)),
        (error: unknown) => this.#slowNodeEnded(() => this.#slowNodeFailed(node, error)),
      );
    this.#describe();
  }

  #slowNodeEnded(note: () => void): void {
    this.#running -= 1;
    this.#changes += 1;
    note();
  }

  #slowNodeDone({ result, closed }: NodeEnd): void {
    this.#settle(result);
    this.#closed = closed;
  }

  #slowNodeFailed(node: GraphNode, error: unknown): void {
    if (isCancellation(error)) this.#cancelled = true;
    this.#settleFailed(node, error);
  }

  /** Whether the task would be complete with this node's success, so that one transaction can write both. */
  #isLast(node: GraphNode): boolean {
    if (node.kind === 'condition' || this.#running > 1) return false;
    const after = settleNode(this.#plan, this.#graph, node.id, { status: 'ok', attempts: 1 });
    return isFinished(this.#plan, after.state) && traceResult(this.#plan, after.state).status === 'completed';
  }

  #settleFailed(node: GraphNode, error: unknown): void {
    const { result, failure } = nodeFailure(node.id, error);
    this.#settle(result);
    if (this.#graph.failedNode === node.id) this.#failure = failure;
  }

  #settle(result: NodeResult): void {
    this.#graph = settleNode(this.#plan, this.#graph, result.id, result).state;
    this.#changes += 1;
    this.#describe();
  }

  #cancel(): void {
    this.#cancelled = true;
    const why = this.#missedDeadline ? 'the deadline has passed' : 'the task was cancelled';
    this.#graph = abandon(this.#plan, this.#graph, why).state;
    this.#changes += 1;
  }

  async #close(): Promise<TerminalTaskStatus> {
    const result = traceResult(this.#plan, this.#graph);
    const stopped = this.#missedDeadline ? 'failed' : 'cancelled';
    const status = this.#cancelled ? stopped : result.status;
    if (this.#cancelled && this.#missedDeadline) this.#failure = DEADLINE_EXCEEDED;
    const closed = await localActivities(`close as ${status}`).closeTask({
      execution: this.#input.execution,
      graph: this.#graph,
      status,
      failure: status === 'failed' ? this.#failure : null,
    });
    this.#failure = closed.failure ?? this.#failure;
    return closed.status;
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#changes += 1;
    this.#describe();
  }

  async #writePause(): Promise<void> {
    // Once cancelled, a write would fail at once and the main loop would try it forever; the end is written anyway.
    if (this.#cancelled || this.#paused === this.#pauseWritten) return;
    const paused = this.#paused;
    await localActivities(paused ? 'pause' : 'resume').markTask({
      execution: this.#input.execution,
      status: paused ? 'paused' : 'in_progress',
    });
    this.#pauseWritten = paused;
    upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.status, value: paused ? 'paused' : 'in_progress' }]);
  }

  #isLong(): boolean {
    return this.#running === 0 && !this.#cancelled && workflowInfo().continueAsNewSuggested;
  }

  async #continueAsNew(): Promise<void> {
    await condition(allHandlersFinished);
    const carried = { graph: this.#graph, paused: this.#paused };
    await continueAsNew<(input: ExecuteTaskInput) => Promise<ExecuteTaskResult>>({ ...this.#input, carried });
  }

  #describe(): void {
    const mode = this.#paused ? '**Paused.** ' : '';
    setCurrentDetails(`${mode}Graph \`${this.#input.graphName}\`\n\n${stateTable(this.#plan, this.#graph)}`);
  }
}

const DEADLINE_EXCEEDED: Failure = {
  code: 'deadline_exceeded',
  message: 'The task had not ended at its deadline.',
};

function describeFailure(failure: Failure | null): [message: string, type: string] {
  if (failure === null) return ['The task failed.', 'task_failed'];
  return [failure.node === undefined ? failure.message : `${failure.node}: ${failure.message}`, failure.code];
}

/** What a failed activity says of its node. The details were written by `activities/failure.ts`. */
function nodeFailure(id: string, error: unknown): { result: NodeResult; failure: Failure } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const application = cause instanceof ApplicationFailure ? cause : null;
  const [details] = (application?.details ?? []) as [{ result?: NodeResult }?];
  return {
    result: details?.result ?? { id, status: 'fatal_error', attempts: 1 },
    failure: {
      code: application?.type ?? (isCancellation(error) ? 'handler_cancelled' : 'handler_crashed'),
      message: cause instanceof Error ? cause.message : 'the activity failed',
      node: id,
    },
  };
}
