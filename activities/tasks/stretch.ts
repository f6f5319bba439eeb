import type { GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import { MAX_STRETCH_STEPS, quickStretch } from '../../domain/graphs/drive-quick.ts';
import {
  type GraphState,
  isFinished,
  isSettled,
  type SkippedNode,
  skippedNodes,
} from '../../domain/graphs/graph-state.ts';
import { isContainerKind } from '../../domain/graphs/kinds/kind-table.ts';
import { growContainer, innerAt, type Step, settleRun, startRuns } from '../../domain/graphs/run-state.ts';
import { nodeOfRun, type TraceReads, type TraceValues } from '../../domain/graphs/scope.ts';
import type { Json } from '../../domain/json.ts';
import type { Failure, NodeResult } from '../../domain/tasks/execution.ts';
import type { AttemptVerdict } from '../../domain/traces/attempt.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import type { RunRecord } from '../../entities/traces/run-repository.ts';
import type { NewTraceEvent, RunEnd, RunError, RunLeft } from '../../operations/record/notes.ts';
import type { NotedRun } from '../../operations/record/record-wave.ts';
import { cutOffRun, endedRun, type FinalVerdict, openedRun, resultOf, skippedRun, waitingRun } from './run-rows.ts';

/** From where a stretch sets out. */
export interface StretchStart {
  readonly definition: GraphDefinition;
  readonly state: GraphState;
  /** Quick runs that are left out: they are activities of their own. */
  readonly unhosted: ReadonlySet<RunPath>;
  /** Whether every quick run is left out. */
  readonly apart: boolean;
  /** Runs that an earlier try of this very stretch wrote before its report was lost. */
  readonly written: ReadonlyMap<RunPath, RunRecord>;
  /** Containers that an earlier stretch has opened, with when. */
  readonly opened: ReadonlyMap<RunPath, Date | null>;
  /** What the end of a run outside of stretches has skipped, and nobody has written. */
  readonly skipped: readonly SkippedNode[];
  /** Runs that have begun and not ended, by their rows, with their attempts: the state may not know it yet. */
  readonly begun: ReadonlyMap<RunPath, number>;
  /** What is read already, of what has been looked for. */
  readonly values: ReadValues;
}

/** The task's input, null until it was read, and the outputs of runs. */
export interface ReadValues {
  readonly task: { readonly value: Json } | null;
  readonly outputs: ReadonlyMap<RunPath, Json>;
  /** The runs that were looked for, whether they have an output or not. */
  readonly looked: ReadonlySet<RunPath>;
}

/** The attempt of a node in the stretch, judged. */
export interface JudgedAttempt {
  readonly verdict: AttemptVerdict;
  readonly startedAt: Date;
  /** What the attempt noted, its beginning first. */
  readonly events: readonly NewTraceEvent[];
}

/** A run that ended in the stretch, and its output, which is yet to be stored; absent where it has none. */
interface EndedInStretch {
  readonly end: RunEnd;
  readonly output?: Json;
}

/** What the nodes of a stretch left so far. Nothing of it is written yet. */
export class Stretch {
  readonly definition: GraphDefinition;
  readonly ends: EndedInStretch[] = [];
  /** Runs that stay open: those that are tried again elsewhere, and containers. */
  readonly open = new Map<RunPath, RunLeft>();
  readonly settled: NodeResult[] = [];
  readonly events: NewTraceEvent[] = [];
  readonly unhosted: Set<RunPath>;
  readonly apart: boolean;
  readonly outputs: Map<RunPath, Json>;
  readonly looked: Set<RunPath>;
  readonly #written: ReadonlyMap<RunPath, RunRecord>;
  readonly #opened: Map<RunPath, Date | null>;
  /** Those of them that this stretch has not ended. */
  readonly #begun: Map<RunPath, number>;
  #steps = 0;
  task: ReadValues['task'];
  state: GraphState;
  failure: Failure | null = null;

  constructor({ definition, state, unhosted, apart, written, opened, begun, skipped, values }: StretchStart) {
    this.definition = definition;
    this.state = state;
    this.unhosted = new Set(unhosted);
    this.apart = apart;
    this.outputs = new Map(values.outputs);
    this.looked = new Set(values.looked);
    this.task = values.task;
    this.#written = written;
    this.#opened = new Map(opened);
    this.#begun = new Map(begun);
    this.#noteSkipped(skipped);
  }

  /** The next step to take; null when the stretch is over or long enough. What an earlier try has written is taken over. */
  next(): Step | null {
    for (; this.#steps < MAX_STRETCH_STEPS; this.#steps += 1) {
      const step = quickStretch(this.definition, this.state).find(({ path, phase }) => {
        return phase !== 'run' || !(this.apart || this.unhosted.has(path));
      });
      if (step === undefined) break;
      const known = this.#written.get(step.path);
      if (known === undefined) {
        this.#steps += 1;
        return step;
      }
      this.#repeat(known);
    }
    if (this.apart) this.#leaveOutAll();
    if (isFinished(this.definition, this.state)) this.#cutOffRest();
    return null;
  }

  /** The runs that a step could be taken of now. None of them follows from another. */
  get ready(): ReadonlySet<RunPath> {
    return new Set(quickStretch(this.definition, this.state).map(({ path }) => path));
  }

  #leaveOutAll(): void {
    for (const { path, phase } of quickStretch(this.definition, this.state)) {
      if (phase === 'run') this.unhosted.add(path);
    }
  }

  /** What has been read, and what the stretch itself has brought, as documents are made of it. */
  get values(): { readonly task: Json; readonly outputs: ReadonlyMap<RunPath, Json> } {
    return { task: this.task?.value ?? null, outputs: this.outputs };
  }

  /** Hands over what it has left so far, every run that ended or is open, and the events: they are to be written now. */
  handOver(): { readonly runs: readonly NotedRun[]; readonly events: readonly NewTraceEvent[] } {
    const ended = this.ends.splice(0).map(({ end, ...output }) => ({ run: end, ...output }));
    const open = [...this.open.values()].map((run) => ({ run }));
    this.open.clear();
    this.#steps = 0;
    return { runs: [...ended, ...open], events: this.events.splice(0) };
  }

  /** Whether it has anything to hand over. */
  get isUnwritten(): boolean {
    return this.ends.length + this.open.size + this.events.length > 0;
  }

  /** Notes that a container has so many inner graphs to run, and its beginning where no earlier stretch has. */
  grow(node: GraphNode, size: number): void {
    this.state = growContainer(this.definition, this.state, node.id, size);
    if (this.#opened.has(node.id)) return;
    this.open.set(node.id, openedRun(node, this.#begin(node)));
  }

  /** Notes the end of a container, or of a bound tool. One that was not opened begins and ends at once. */
  close(node: GraphNode, verdict: FinalVerdict): void {
    this.#end(node, verdict, this.#opened.get(node.id) ?? this.#begin(node));
  }

  /** Notes that a bound tool was not called. */
  skip({ id }: GraphNode): void {
    this.#advance({ id, status: 'skipped', attempts: 0 }, null);
  }

  #begin({ id }: GraphNode): Date {
    const at = new Date();
    this.#opened.set(id, at);
    this.events.push({ type: 'run.started', nodeId: id, data: { attempt: 1 }, at });
    return at;
  }

  /**
   * Takes over what a node's attempt came to. What another attempt may help, and what a limit holds up, leaves the stretch:
   * the node continues as an activity of its own, which waits by the server's timer and holds nothing up meanwhile.
   */
  take(node: GraphNode, { verdict, startedAt, events }: JudgedAttempt): void {
    const isFinal = verdict.kind === 'complete' || verdict.kind === 'fail';
    // Of an attempt that waits for a limit, or was made in vain, nothing is written: the activity makes it again.
    if (isFinal || verdict.kind === 'retry') this.events.push(...events);
    if (isFinal) {
      this.#end(node, verdict, startedAt);
      return;
    }
    if (verdict.kind === 'retry') {
      this.open.set(node.id, waitingRun(node, verdict, startedAt));
      this.#begun.set(node.id, 1);
    }
    this.unhosted.add(node.id);
  }

  #end(node: GraphNode, verdict: FinalVerdict, startedAt: Date): void {
    const end = endedRun(node, verdict, { attempts: 1, failures: 0, startedAt });
    const type = end.error === null ? 'run.completed' : 'run.failed';
    this.events.push({ type, nodeId: node.id, data: { attempt: 1, ...end.error }, at: end.finishedAt });
    if (verdict.kind === 'complete') {
      this.outputs.set(node.id, verdict.output);
      this.ends.push({ end, output: verdict.output });
    } else {
      this.ends.push({ end });
    }
    this.open.delete(node.id);
    this.#begun.delete(node.id);
    this.#advance(resultOf(end), end.error);
  }

  /** Takes over a run that is already in its row, and whose output is read when something needs it. */
  #repeat({ nodeId: id, attempts, outcome, error, ...run }: RunRecord): void {
    this.open.delete(id);
    // Only runs that have ended are known as written.
    const status = run.status as NodeResult['status'];
    this.#advance({ id, status, attempts, ...(outcome === null ? {} : { outcome }) }, error);
  }

  #advance(result: NodeResult, error: RunError | null): void {
    const { failedNode } = this.state;
    // A container whose end an earlier try wrote is open in the state, and not by its row any more.
    const isOpen = innerAt(this.state, result.id) !== undefined;
    const started = isOpen ? this.state : startRuns(this.definition, this.state, [result.id]);
    const { state, skipped } = settleRun(this.definition, started, result.id, result);
    this.state = state;
    this.settled.push(result);
    if (state.failedNode !== failedNode && error !== null) this.failure = { ...error, node: result.id };
    this.#noteSkipped(skipped.filter(({ id }) => !this.#written.has(id)));
  }

  #noteSkipped(skipped: readonly SkippedNode[]): void {
    for (const { id, reason } of skipped) {
      // It waits for another attempt, or an earlier try of the stretch began it and was not heard.
      if (this.#begun.has(id)) {
        this.#cutOff(id, reason);
        continue;
      }
      this.events.push({ type: 'run.skipped', nodeId: id, data: { reason }, at: new Date() });
      this.ends.push({ end: skippedRun(nodeOfRun(this.definition, id), reason) });
    }
  }

  #cutOff(id: RunPath, reason: string): void {
    const attempt = this.#begun.get(id) ?? 1;
    this.#begun.delete(id);
    this.open.delete(id);
    const end = cutOffRun(nodeOfRun(this.definition, id), attempt, reason);
    this.events.push({ type: 'run.failed', nodeId: id, data: { attempt, ...end.error }, at: new Date() });
    this.ends.push({ end });
  }

  /** What is within a container that an earlier try opened, and that was skipped since. */
  #cutOffRest(): void {
    for (const id of this.#begun.keys()) this.#cutOff(id, 'the task has ended');
  }
}

/**
 * A stretch that was begun this often without being written has most likely killed its workers. Its nodes then run as
 * activities of their own, which count the deaths of each node.
 */
const MAX_STRETCH_TRIES = 3;

/** What is known when a stretch begins. */
export interface StretchFacts {
  readonly definition: GraphDefinition;
  readonly state: GraphState;
  readonly unhosted: readonly RunPath[];
  /** How often a stretch of the trace has begun since the last one was written, this time included. */
  readonly tries: number;
  /** The existing rows of the runs that it may reach. */
  readonly runs: readonly RunRecord[];
  /** The values; null where they cannot be read. */
  readonly values: TraceValues | null;
  /** What needs {@link values}. */
  readonly reads: TraceReads;
}

/** The stretch that continues from the written rows. */
export function stretchFrom({ definition, state, unhosted, tries, runs, values, reads }: StretchFacts): Stretch {
  const opened = runs.filter((run) => run.status === 'running' && isContainerKind(run.kind));
  // Any other open run has attempts, which its row counts, so it continues as an activity.
  const begun = runs.filter((run) => !isSettled(run.status));
  const open = begun.filter((run) => !opened.includes(run)).map((run) => run.nodeId);
  const known = new Set(runs.filter((run) => isSettled(run.status)).map((run) => run.nodeId));
  return new Stretch({
    ...{ definition, state, unhosted: new Set([...unhosted, ...open]) },
    // Where values cannot be read, each node runs on its own: the nodes that need them fail, the others run.
    apart: tries > MAX_STRETCH_TRIES || values === null,
    written: new Map(runs.filter((run) => isSettled(run.status)).map((run) => [run.nodeId, run])),
    opened: new Map(opened.map((run) => [run.nodeId, run.startedAt])),
    begun: new Map(begun.map((run) => [run.nodeId, run.attempts])),
    skipped: skippedNodes(state).filter(({ id }) => !known.has(id)),
    values: {
      task: values !== null && reads.task ? { value: values.task } : null,
      outputs: values?.outputs ?? new Map(),
      looked: new Set(values === null ? [] : reads.paths),
    },
  });
}
