import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { type GraphDefinition, isFallback } from '../../domain/graphs/definition.ts';
import { stateSummary, stateTable } from '../../domain/graphs/describe-state.ts';
import { isQuick } from '../../domain/graphs/drive-quick.ts';
import { isFinished, startGraph, traceResult } from '../../domain/graphs/graph-state.ts';
import { rulesOf, waits } from '../../domain/graphs/kinds/kind-table.ts';
import { MAX_RUNNING, MAX_WAITING } from '../../domain/graphs/kinds.ts';
import { abandonRuns, readySteps, type Step, settleRun, startRuns } from '../../domain/graphs/run-state.ts';
import { nodeOfRun } from '../../domain/graphs/scope.ts';
import { SEARCH_ATTRIBUTES } from '../../domain/system/search-attributes.ts';
import {
  DEADLINE_EXCEEDED,
  type ExecuteTaskInput,
  type ExecuteTaskResult,
  type ExecutionState,
} from '../../domain/tasks/execution.ts';
import type { OpenTaskStatus, TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { localActivities } from '../activities.ts';
import { continueExecution } from './continue-execution.ts';
import { type DrivenRun, driveActivity } from './drivers/drive-activity.ts';
import { driveStretch } from './drivers/drive-stretch.ts';
import { driveThinking } from './drivers/drive-thinking.ts';
import { driveWait } from './drivers/drive-wait.ts';
import { requireKnown } from './known-rules.ts';
import { listen } from './listen.ts';
import { isLong } from './long-history.ts';
import { standingOf, writtenAs, writtenStanding } from './standing.ts';
import { StepGate } from './step-gate.ts';
import { describeFailure, LABELS } from './task-words.ts';

/**
 * The state and the rules of one execution. Modes: *running* starts every run that is ready; *paused* starts nothing,
 * and running nodes finish; *cancelled* and *failed* start nothing more. It ends when every node has settled.
 */
export class TaskExecution {
  readonly #input: ExecuteTaskInput;
  readonly #plan: GraphDefinition;
  /** All that has to outlive this run of the workflow; the other fields belong to this run. */
  #state: ExecutionState;
  #running = 0;
  /** Those of them whose nodes wait. */
  #waiting = 0;
  readonly #gate: StepGate;
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
    const written = writtenAs(paused ? 'paused' : (input.waits ?? 'in_progress'));
    this.#state = { graph: startGraph(input.plan), paused, ...written, unhosted: [], failure: null, ...input.carried };
    this.#gate = new StepGate({
      isPaused: () => this.#state.paused,
      rules: input.rules ?? 1,
      asking: this.#state.asking ?? [],
      changed: () => {
        this.#changes += 1;
      },
    });
  }

  listen(): void {
    listen({
      execution: this.#input.execution,
      gate: this.#gate,
      setPaused: (paused) => this.#setPaused(paused),
      progress: () => ({ paused: this.#state.paused, nodes: this.#state.graph.nodes }),
    });
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
   * The main loop: start what is ready, wait for a change, until every node has ended. Everything that does not wait is
   * a plain call, because the SDK takes a stack trace for every promise of a workflow.
   */
  async #runNodes(): Promise<void> {
    this.#wakeResting();
    while (!this.#finished()) {
      try {
        if (this.#mayLeave()) await continueExecution(this.#input, this.#state, this.#gate);
        if (this.#standing !== writtenStanding(this.#state)) await this.#writeStanding();
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
    if (!allHandlersFinished()) await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    const taskId = this.#input.execution.taskId;
    upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.status, value: status }]);
    // Temporal does not know of a cancel that PostgreSQL accepted and that has not reached the workflow yet.
    const isAsked = CancellationScope.current().consideredCancelled;
    if (status === 'cancelled' && isAsked) throw new CancelledFailure('The task was cancelled');
    if (status === 'failed') throw ApplicationFailure.nonRetryable(...describeFailure(this.#state.failure));
    return { taskId, status, nodes: stateSummary(this.#plan, this.#state.graph) };
  }

  /** A cancelled task waits only for running nodes: a container that was told to stop gets no further round. */
  #finished(): boolean {
    if (this.#closed !== null) return true;
    return (
      this.#running === this.#gate.resting.length && (this.#cancelled || isFinished(this.#plan, this.#state.graph))
    );
  }

  get #startsNothing(): boolean {
    return this.#state.paused || this.#cancelled;
  }

  #isInline({ path, node, phase }: Step): boolean {
    return phase !== 'run' || (isQuick(node) && !this.#state.unhosted.includes(path));
  }

  /** Ends that arrive during a stretch are noted after it, because the stretch works on the state it started with. */
  async #runStretch(steps: readonly Step[]): Promise<void> {
    const endedMeanwhile: DrivenRun[] = [];
    this.#noteEnd = (run) => endedMeanwhile.push(run);
    try {
      const { state, closed } = await driveStretch(this.#input, this.#state, steps);
      const { paused } = this.#state;
      this.#state = { ...state, paused, ...writtenAs(writtenStanding(this.#state)) };
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
    for (const step of steps) if (this.#hasPlaceFor(step)) this.#start(step);
    const changed = () => condition(() => this.#changes > seen || this.#finished());
    return this.#cancelled ? CancellationScope.nonCancellable(changed) : changed();
  }

  #hasPlaceFor({ node }: Step): boolean {
    return waits(node) ? this.#waiting < MAX_WAITING : this.#running - this.#waiting < MAX_RUNNING;
  }

  #start(step: Step): void {
    const { graph, unhosted } = this.#state;
    this.#state = {
      ...this.#state,
      graph: startRuns(this.#plan, graph, [step.path]),
      unhosted: unhosted.filter((path) => path !== step.path),
    };
    this.#drive(step);
    this.#describe();
  }

  #drive(step: Step): void {
    this.#running += 1;
    if (waits(step.node)) this.#waiting += 1;
    const { execution } = this.#input;
    const driven = { execution, closesTask: this.#isLast(step) };
    const ended = (run: DrivenRun) => this.#noteEnd(run);
    const drive = rulesOf(step.node.kind).drive(step.node);
    if (drive === 'thinking') driveThinking(step, { ...driven, gate: this.#gate }, ended);
    else if (drive === 'wait') driveWait(step, { ...driven, gate: this.#gate }, ended);
    else driveActivity(step, driven, ended);
  }

  /** Drives the runs that rested when the workflow before this one continued as new. */
  #wakeResting(): void {
    const { resting: paths = [] } = this.#state;
    for (const path of paths) this.#drive({ path, node: nodeOfRun(this.#plan, path), phase: 'run' });
    const { resting: _, asking: __, ...state } = this.#state;
    this.#state = state;
  }

  #runEnded({ result, closed, failure, cancelled }: DrivenRun): void {
    this.#running -= 1;
    if (waits(nodeOfRun(this.#plan, result.id))) this.#waiting -= 1;
    this.#changes += 1;
    this.#gate.noteContinued(result.id);
    if (cancelled) this.#cancelled = true;
    const graph = settleRun(this.#plan, this.#state.graph, result.id, result).state;
    const isFatal = failure !== null && graph.failedNode === result.id;
    this.#state = { ...this.#state, graph, failure: isFatal ? failure : this.#state.failure };
    this.#closed = closed ?? this.#closed;
    this.#describe();
  }

  /** Whether this run's success completes the task and skips no fallback, so that one transaction can write both. */
  #isLast({ path, node }: Step): boolean {
    if (rulesOf(node.kind).decides || this.#running > 1 || this.#plan.nodes.some(isFallback)) return false;
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

  get #standing(): OpenTaskStatus {
    const { paused } = this.#state;
    return standingOf(this.#plan, { paused, running: this.#running, waiting: this.#gate.waiting });
  }

  async #writeStanding(): Promise<void> {
    // After a cancel, a write would fail at once and the main loop would repeat it forever; the end is written anyway.
    const status = this.#standing;
    if (this.#cancelled || status === writtenStanding(this.#state)) return;
    await localActivities(LABELS[status]).markTask({ execution: this.#input.execution, status });
    this.#state = { ...this.#state, ...writtenAs(status) };
    upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.status, value: status }]);
  }

  /** Whether nothing of it is under way and it has a reason to continue as new. */
  #mayLeave(): boolean {
    if (this.#running !== this.#gate.resting.length || this.#cancelled) return false;
    return this.#gate.isMoving || isLong(this.#input.rules ?? 1);
  }

  #describe(): void {
    const mode = this.#state.paused ? '**Paused.** ' : '';
    setCurrentDetails(`${mode}Graph \`${this.#input.graphName}\`\n\n${stateTable(this.#plan, this.#state.graph)}`);
  }
}
