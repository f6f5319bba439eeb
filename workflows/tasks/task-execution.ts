import {
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
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { stateSummary, stateTable } from '../../domain/graphs/describe-state.ts';
import { isQuick } from '../../domain/graphs/drive-quick.ts';
import { isFinished, startGraph, traceResult } from '../../domain/graphs/graph-state.ts';
import { rulesOf } from '../../domain/graphs/kinds/kind-table.ts';
import { MAX_RUNNING } from '../../domain/graphs/kinds.ts';
import { abandonRuns, readySteps, type Step, settleRun, startRuns } from '../../domain/graphs/run-state.ts';
import { SEARCH_ATTRIBUTES } from '../../domain/system/search-attributes.ts';
import {
  EXECUTION_RULES,
  type ExecuteTaskInput,
  type ExecuteTaskResult,
  type ExecutionState,
  type Failure,
} from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { localActivities } from '../activities.ts';
import { type DrivenRun, driveActivity } from './drivers/drive-activity.ts';
import { driveStretch } from './drivers/drive-stretch.ts';
import { pauseSignal, resumeSignal, statusQuery } from './task-messages.ts';

/**
 * The state and the rules of one execution. Modes: *running* starts every run that is ready; *paused* starts nothing
 * and lets what runs end; *cancelled* and *failed* start nothing more. It ends when every node has settled.
 */
export class TaskExecution {
  readonly #input: ExecuteTaskInput;
  readonly #plan: GraphDefinition;
  /** All that has to outlive this run of the workflow; what else there is says where this run stands. */
  #state: ExecutionState;
  #running = 0;
  /** Grows with every change that the main loop has to look at. */
  #changes = 0;
  #cancelled = false;
  #missedDeadline = false;
  /** Set when the task's end is already in PostgreSQL, written together with the last run. */
  #closed: TerminalTaskStatus | null = null;
  #noteEnd: (run: DrivenRun) => void = (run) => this.#runEnded(run);

  constructor(input: ExecuteTaskInput) {
    this.#input = input;
    this.#plan = input.plan;
    requireKnown(input.rules);
    const paused = input.carried?.paused ?? input.paused ?? false;
    const fresh = { graph: startGraph(input.plan), paused, pauseWritten: paused, unhosted: [], failure: null };
    this.#state = { ...fresh, ...input.carried };
  }

  listen(): void {
    setHandler(pauseSignal, () => this.#setPaused(true));
    setHandler(resumeSignal, () => this.#setPaused(false));
    setHandler(statusQuery, () => ({ paused: this.#state.paused, nodes: this.#state.graph.nodes }));
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
        if (this.#state.paused !== this.#state.pauseWritten) await this.#writePause();
        const steps = this.#startsNothing ? [] : readySteps(this.#plan, this.#state.graph);
        const stretch = steps.filter((step) => this.#isInline(step));
        if (stretch.length > 0) await this.#runStretch(stretch);
        else await this.#startAndWait(steps);
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
    if (status === 'failed') throw ApplicationFailure.nonRetryable(...describeFailure(this.#state.failure));
    return { taskId, status, nodes: stateSummary(this.#plan, this.#state.graph) };
  }

  /** A cancelled task waits for nothing but what runs: a container that was told to stop has no turn any more. */
  #finished(): boolean {
    if (this.#closed !== null) return true;
    return this.#running === 0 && (this.#cancelled || isFinished(this.#plan, this.#state.graph));
  }

  get #startsNothing(): boolean {
    return this.#state.paused || this.#cancelled;
  }

  #isInline({ path, node, phase }: Step): boolean {
    return phase !== 'run' || (isQuick(node) && !this.#state.unhosted.includes(path));
  }

  /** What ends while a stretch runs is noted after it: the stretch goes by the state that it began with. */
  async #runStretch(steps: readonly Step[]): Promise<void> {
    const endedMeanwhile: DrivenRun[] = [];
    this.#noteEnd = (run) => endedMeanwhile.push(run);
    try {
      const { state, closed } = await driveStretch(this.#input, this.#state, steps);
      const { paused, pauseWritten } = this.#state;
      this.#state = { ...state, paused, pauseWritten };
      this.#closed = closed;
      this.#changes += 1;
      this.#describe();
    } finally {
      this.#noteEnd = (run) => this.#runEnded(run);
      endedMeanwhile.forEach(this.#noteEnd);
    }
  }

  #startAndWait(steps: readonly Step[]): Promise<void> {
    const seen = this.#changes;
    for (const step of steps.slice(0, MAX_RUNNING - this.#running)) this.#start(step);
    const changed = () => condition(() => this.#changes > seen || this.#finished());
    return this.#cancelled ? CancellationScope.nonCancellable(changed) : changed();
  }

  #start(step: Step): void {
    const { graph, unhosted } = this.#state;
    this.#state = {
      ...this.#state,
      graph: startRuns(this.#plan, graph, [step.path]),
      unhosted: unhosted.filter((path) => path !== step.path),
    };
    this.#running += 1;
    const { execution } = this.#input;
    driveActivity(step, { execution, closesTask: this.#isLast(step) }, (run) => this.#noteEnd(run));
    this.#describe();
  }

  #runEnded({ result, closed, failure, cancelled }: DrivenRun): void {
    this.#running -= 1;
    this.#changes += 1;
    if (cancelled) this.#cancelled = true;
    const graph = settleRun(this.#plan, this.#state.graph, result.id, result).state;
    const isFatal = failure !== null && graph.failedNode === result.id;
    this.#state = { ...this.#state, graph, failure: isFatal ? failure : this.#state.failure };
    this.#closed = closed ?? this.#closed;
    this.#describe();
  }

  /** Whether the task would be complete with this run's success, so that one transaction can write both. */
  #isLast({ path, node }: Step): boolean {
    if (rulesOf(node.kind).decides || this.#running > 1) return false;
    const after = settleRun(this.#plan, this.#state.graph, path, { status: 'ok', attempts: 1 }).state;
    return isFinished(this.#plan, after) && traceResult(this.#plan, after).status === 'completed';
  }

  #cancel(): void {
    this.#cancelled = true;
    const why = this.#missedDeadline ? 'the deadline has passed' : 'the task was cancelled';
    this.#state = { ...this.#state, graph: abandonRuns(this.#plan, this.#state.graph, why).state };
    this.#changes += 1;
  }

  async #close(): Promise<TerminalTaskStatus> {
    const { graph } = this.#state;
    const stopped = this.#missedDeadline ? 'failed' : 'cancelled';
    const status = this.#cancelled ? stopped : traceResult(this.#plan, graph).status;
    const failure = this.#cancelled && this.#missedDeadline ? DEADLINE_EXCEEDED : this.#state.failure;
    const closed = await localActivities(`close as ${status}`).closeTask({
      execution: this.#input.execution,
      graph,
      status,
      failure: status === 'failed' ? failure : null,
    });
    this.#state = { ...this.#state, failure: closed.failure ?? failure };
    return closed.status;
  }

  #setPaused(paused: boolean): void {
    this.#state = { ...this.#state, paused };
    this.#changes += 1;
    this.#describe();
  }

  async #writePause(): Promise<void> {
    // Once cancelled, a write would fail at once and the main loop would try it forever; the end is written anyway.
    const { paused, pauseWritten } = this.#state;
    if (this.#cancelled || paused === pauseWritten) return;
    await localActivities(paused ? 'pause' : 'resume').markTask({
      execution: this.#input.execution,
      status: paused ? 'paused' : 'in_progress',
    });
    this.#state = { ...this.#state, pauseWritten: paused };
    upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.status, value: paused ? 'paused' : 'in_progress' }]);
  }

  #isLong(): boolean {
    return this.#running === 0 && !this.#cancelled && workflowInfo().continueAsNewSuggested;
  }

  async #continueAsNew(): Promise<void> {
    await condition(allHandlersFinished);
    const carried = this.#state;
    await continueAsNew<(input: ExecuteTaskInput) => Promise<ExecuteTaskResult>>({ ...this.#input, carried });
  }

  #describe(): void {
    const mode = this.#state.paused ? '**Paused.** ' : '';
    setCurrentDetails(`${mode}Graph \`${this.#input.graphName}\`\n\n${stateTable(this.#plan, this.#state.graph)}`);
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

/**
 * Rules of a later release are left to its workers: a plain error holds the workflow task until one takes it, and loses
 * nothing.
 */
function requireKnown(rules = 1): void {
  if (rules <= EXECUTION_RULES) return;
  throw new Error(`This worker knows the rules up to ${EXECUTION_RULES}, and the task began by rules ${rules}.`);
}
