import type { Json } from '../json.ts';
import type { RecordedEnd, RecordedRun, RecordedTrace } from '../traces/canonical.ts';
import { type RunPath, scopeOfPath } from '../traces/path.ts';
import { trimText } from '../trim-text.ts';
import { NOT_CALLED } from './connections.ts';
import type { ContainerNode, GraphDefinition, GraphNode } from './definition.ts';
import { nextFailure } from './failure-order.ts';
import { type GraphState, isFinished, type Settled, startGraph, traceResult } from './graph-state.ts';
import { hasNode } from './has-node.ts';
import { failedWithin, stoppedFault } from './kinds/inner-graph.ts';
import type { ContainerFault } from './kinds/kind-rules.ts';
import { containerOf, isContainer, readersOf, rulesOf } from './kinds/kind-table.ts';
import { readInput } from './read-source.ts';
import type {
  Divergence,
  DivergenceReason,
  InnerCheck,
  Replayed,
  ReplayedRun,
  ReplayOptions,
  Suppose,
} from './replayed.ts';
import { ended, endText, failed, NOTHING, subjectOf } from './run-ends.ts';
import { abandonRuns, growContainer, innerAt, readySteps, type Step, settleRun, startRuns } from './run-state.ts';
import { documentIn, innerOutputs, nodeOfRun, readTask } from './scope.ts';

/**
 * Walks a graph with the interpreter and a record. Pure nodes and containers are evaluated anew, every other run ends as the
 * record says. Pure, and the same for any record of the same decisions: nothing is called, and no clock is read.
 *
 * Where runs ran side by side, failures count as late as they can, since all that is recorded as begun began before them.
 * What stopped the trace from outside (a cancel, a deadline) is taken from the record.
 */
export function replayTrace(definition: GraphDefinition, record: RecordedTrace, options: ReplayOptions = {}): Replayed {
  return new Replay(definition, record, options).replay();
}

class Replay {
  readonly #definition: GraphDefinition;
  readonly #record: RecordedTrace;
  readonly #known: ReadonlyMap<RunPath, RecordedRun>;
  readonly #beyond: boolean;
  readonly #check: InnerCheck;
  readonly #suppose: Suppose;
  #state: GraphState;
  readonly #runs = new Map<RunPath, ReplayedRun>();
  readonly #outputs = new Map<RunPath, Json>();
  /** Steps that may be taken and are not, because the record holds no end of them. */
  readonly #held = new Set<RunPath>();
  /** Failures that do not count yet. */
  readonly #failures = new Map<RunPath, ReplayedRun>();
  /** Containers that could end, and that a failure stopped before: one that is still to count. */
  readonly #early = new Set<RunPath>();
  readonly #divergences: Divergence[] = [];

  constructor(definition: GraphDefinition, record: RecordedTrace, { beyond, checkInner, suppose }: ReplayOptions) {
    this.#definition = unbounded(definition);
    this.#record = record;
    this.#known = new Map(record.runs.map((run) => [run.path, run]));
    this.#beyond = beyond ?? record.end === null;
    this.#check = checkInner ?? (() => null);
    this.#suppose = suppose ?? (() => null);
    this.#state = startGraph(definition);
  }

  replay(): Replayed {
    this.#walk();
    if (isFromOutside(this.#record.end)) {
      this.#apply(abandonRuns(this.#definition, this.#state, `the task was ${this.#record.end?.status}`));
      this.#walk();
    }
    this.#compareBeginnings();
    const open = readySteps(this.#definition, this.#state).map(({ path }) => path);
    return { runs: [...this.#runs.values()], open, end: this.#end(), divergences: this.#divergences };
  }

  #walk(): void {
    for (;;) {
      const steps = readySteps(this.#definition, this.#state).filter(({ path }) => !this.#isLeft(path));
      for (const step of steps) this.#take(step);
      if (steps.length === 0 && !this.#settleFailure()) return;
    }
  }

  #isLeft(path: RunPath): boolean {
    return this.#held.has(path) || this.#failures.has(path) || this.#early.has(path);
  }

  /** Lets the next failure count; false where there is none. */
  #settleFailure(): boolean {
    const next = nextFailure([...this.#failures.keys()], {
      ...{ definition: this.#definition, record: this.#record, known: this.#known },
      hasBegun: (path) => this.#runs.has(path) || this.#failures.has(path) || innerAt(this.#state, path) !== undefined,
    });
    const run = next === undefined ? undefined : this.#failures.get(next);
    if (run === undefined) return false;
    this.#failures.delete(run.path);
    this.#early.clear();
    this.#settle(run);
    return true;
  }

  #take({ path, phase }: Step): void {
    const known = this.#known.get(path);
    const node = nodeOfRun(this.#definition, path);
    const isUncalled = phase === 'count' && known?.error?.message === NOT_CALLED;
    const begins = known === undefined ? this.#beyond : known.status !== 'skipped' || isUncalled;
    const end = begins || phase === 'turn' ? this.#endOf(node, phase, known) : null;
    if (end === 'open') return;
    if (end === null) this.#held.add(path);
    else if (known?.error?.code === STOPPED && end.error?.code !== STOPPED) this.#early.add(path);
    else if (end.status === 'ok' || isUncalled) this.#settle(end);
    else this.#fail(end, phase);
  }

  /** It has begun, so what stops its graph meanwhile does not skip it. */
  #fail(run: ReplayedRun, phase: Step['phase']): void {
    if (phase !== 'turn') this.#state = startRuns(this.#definition, this.#state, [run.path]);
    this.#failures.set(run.path, run);
  }

  #endOf(node: GraphNode, phase: Step['phase'], known: RecordedRun | undefined): ReplayedRun | 'open' | null {
    const supposed = this.#supposed(node, phase);
    if (supposed !== null) return { ...supposed, by: 'record' };
    // A run that was cut off had no end of its own yet; a container goes as far as what runs within.
    const cutOff = known?.error?.code === 'handler_cancelled' ? ({ ...known, by: 'record' } as const) : null;
    if (isContainer(node)) {
      const end = this.#carry(node, phase);
      return end === 'open' ? end : (cutOff ?? end);
    }
    if (cutOff !== null) return cutOff;
    const document = this.#documentOf(node);
    const { evaluate, drive } = rulesOf(node.kind);
    if (evaluate !== undefined && drive(node) === 'inline') {
      const end = document.ok ? evaluate(node, document.document) : document;
      return end.ok ? ended(node, { output: end.output, outcome: end.outcome ?? null }) : failed(node, end);
    }
    return known === undefined ? null : this.#takeOver(node, known, document);
  }

  #supposed(node: GraphNode, phase: Step['phase']): RecordedRun | null {
    const { size = 0, failedPath, stopped } = innerAt(this.#state, node.id) ?? {};
    if (phase === 'turn' && (failedPath ?? stopped) !== undefined) return null;
    const outputs = () => innerOutputs(this.#definition, node.id, { size, values: this.#values });
    return this.#suppose(node, { phase, size, document: () => this.#documentOf(node), outputs });
  }

  #takeOver(node: GraphNode, known: RecordedRun, document: ReturnType<typeof documentIn>): ReplayedRun {
    if (!('input' in node)) return { ...known, by: 'record' };
    const input = document.ok ? readInput(node.input, document.document) : document;
    if (input.ok) return { ...known, by: 'record', input: input.value };
    const why = 'pointer' in input ? `${input.pointer} has no value.` : input.message;
    if (known.status === 'ok') this.#diverge(known.path, 'input_missing', `It cannot be given its input: ${why}`);
    return { ...known, by: 'record' };
  }

  #carry(node: ContainerNode, phase: Step['phase']): ReplayedRun | 'open' {
    const next = phase === 'open' ? this.#open(node) : this.#turn(node);
    if (!next.ok) return failed(node, next);
    if ('output' in next) return ended(node, { output: next.output, outcome: null });
    this.#state = growContainer(this.#definition, this.#state, node.id, next.size);
    return 'open';
  }

  #open(node: ContainerNode) {
    const read = this.#documentOf(node);
    const opened = read.ok ? containerOf(node).open(node, read.document) : read;
    if (!opened.ok || !read.ok) return opened as ContainerFault;
    return this.#check(node, read.document, { from: 0, size: opened.size, previous: null }) ?? opened;
  }

  #turn(node: ContainerNode) {
    const { size = 0, failedPath, stopped } = innerAt(this.#state, node.id) ?? {};
    if (failedPath !== undefined) return failedWithin(failedPath, this.#runs.get(failedPath));
    if (stopped !== undefined) return stoppedFault(stopped);
    const inner = innerOutputs(this.#definition, node.id, { size, values: this.#values });
    if (!inner.ok) return inner;
    const rules = containerOf(node);
    const next = rules.turn(node, inner.outputs, size);
    if (!next.ok || 'output' in next) return next;
    const read = this.#documentOf(node);
    if (!read.ok) return read;
    const previous = rules.previous ? (inner.outputs.at(-1) ?? null) : null;
    return this.#check(node, read.document, { from: size, size: next.size, previous }) ?? next;
  }

  get #values() {
    return { task: this.#record.task, outputs: this.#outputs };
  }

  #documentOf(node: GraphNode) {
    const task = readTask(readersOf(node));
    return documentIn(this.#definition, scopeOfPath(node.id), { values: this.#values, task });
  }

  #settle(run: ReplayedRun): void {
    const node = nodeOfRun(this.#definition, run.path);
    this.#compareEnds(node, run);
    this.#runs.set(run.path, run);
    if (run.status === 'ok') this.#outputs.set(run.path, run.output);
    const decides = run.status === 'ok' && rulesOf(node.kind).decides;
    const outcome = decides ? { outcome: run.outcome ?? 'false' } : {};
    this.#apply(settleRun(this.#definition, this.#state, run.path, { status: run.status, attempts: 1, ...outcome }));
  }

  #apply({ state, skipped }: Settled): void {
    this.#state = state;
    for (const { id, reason } of skipped) {
      const error = { code: 'skipped', message: reason };
      const node = nodeOfRun(this.#definition, id);
      this.#runs.set(id, { ...subjectOf(node), ...NOTHING, status: 'skipped', error, by: 'rules' });
    }
  }

  #compareEnds(node: GraphNode, run: ReplayedRun): void {
    const known = this.#known.get(run.path);
    if (known === undefined) return;
    const { kind, performer } = subjectOf(node);
    if (known.kind !== kind || known.performer !== performer) {
      const was = `It was the ${known.kind} "${known.performer}", and is the ${kind} "${performer}".`;
      this.#diverge(run.path, 'performer_changed', was);
    } else if (run.by === 'rules' && endText(known) !== endText(run)) {
      const [before, now] = [known, run].map((end) => trimText(endText(end), MOST_SHOWN));
      this.#diverge(run.path, 'end_changed', `It ended as ${before}, and now as ${now}.`);
    }
  }

  /** What the record says began, and what it says did not, beside what the graph lets begin. */
  #compareBeginnings(): void {
    for (const { path, status } of this.#known.values()) {
      const derived = this.#runs.get(path)?.status ?? 'skipped';
      if (status === 'skipped' || derived !== 'skipped') continue;
      if (!hasNode(this.#definition, path)) this.#diverge(path, 'unknown_run', 'The graph has no such node.');
      else this.#diverge(path, 'never_ready', 'It ran, and the graph would not have let it begin.');
    }
    if (this.#beyond) return;
    for (const path of this.#held) {
      if (this.#runs.has(path)) continue;
      this.#diverge(path, 'not_recorded', 'The graph lets it run, and the record says that it did not.');
    }
  }

  #diverge(path: RunPath, reason: DivergenceReason, message: string): void {
    this.#divergences.push({ path, reason, message });
  }

  #end(): RecordedEnd | null {
    const { end } = this.#record;
    if (isFromOutside(end)) return end;
    if (!isFinished(this.#definition, this.#state)) return null;
    const result = traceResult(this.#definition, this.#state);
    if (result.status === 'failed') {
      const error = this.#runs.get(result.node)?.error ?? { code: 'handler_failed', message: 'it failed.' };
      return { status: 'failed', output: null, error: { ...error, node: result.node } };
    }
    const document = documentIn(this.#definition, '', { values: this.#values });
    const output = document.ok ? readInput(this.#definition.output, document.document) : document;
    if (output.ok) return { status: 'completed', output: output.value, error: null };
    const error = { code: OUTPUT_MISSING, message: "A value of the graph's output is missing." };
    return { status: 'failed', output: null, error };
  }
}

const STOPPED = stoppedFault('').code;

/** Of an output in a sentence. Characters. */
const MOST_SHOWN = 200;

/** How a task ends whose output cannot be read from its runs. */
const OUTPUT_MISSING = 'handler_output_invalid';

/** Whether a trace was stopped by what is not in its graph. */
function isFromOutside(end: RecordedEnd | null): boolean {
  if (end === null || end.status === 'completed') return false;
  if (end.status === 'cancelled') return true;
  return end.error?.node === undefined && end.error?.code !== OUTPUT_MISSING;
}

/**
 * The same graph without its width: which of the ready runs begin first is decided by the record, and one of which the record
 * holds nothing must not keep others waiting.
 */
function unbounded(graph: GraphDefinition): GraphDefinition {
  const nodes = graph.nodes.map((node) => (isContainer(node) ? { ...node, graph: unbounded(node.graph) } : node));
  return { ...graph, width: Number.MAX_SAFE_INTEGER, nodes };
}
