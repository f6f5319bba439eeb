import type { GraphDefinition, GraphNode } from '../../../domain/graphs/definition.ts';
import { type GraphState, isFinished, startGraph, traceResult } from '../../../domain/graphs/graph-state.ts';
import { failedWithin, stoppedFault } from '../../../domain/graphs/kinds/inner-graph.ts';
import { containerOf, isContainer, performerOf, readersOf, rulesOf } from '../../../domain/graphs/kinds/kind-table.ts';
import type { Happened } from '../../../domain/graphs/proof/proof.ts';
import { nodesRead, readInput } from '../../../domain/graphs/read-source.ts';
import {
  growContainer,
  innerAt,
  readySteps,
  type Step,
  settleRun,
  startRuns,
} from '../../../domain/graphs/run-state.ts';
import { documentIn, innerOutputs, nodeOfRun, readsIn, readsOfTurn, readTask } from '../../../domain/graphs/scope.ts';
import type { Json } from '../../../domain/json.ts';
import type { RecordedRun } from '../../../domain/traces/canonical.ts';
import { scopeOfPath } from '../../../domain/traces/path.ts';
import { innerInputFault } from '../../../operations/graphs/inner-inputs.ts';
import type { Random } from './random-specs.ts';

const NOTHING = { outcome: null, output: null, error: null } as const;

/** What runs of agents and tools come to. */
export interface Handlers {
  readonly random: Random;
  end(node: GraphNode): Pick<RecordedRun, 'status' | 'output' | 'error'>;
}

/**
 * Carries a task out as a worker does: by the interpreter, from rows. A run that a row says has ended is not made again; a
 * reader of what another agent or tool has made fails. Runs of handlers begin and end in two steps, in a drawn order.
 */
export class CarriedTask {
  readonly #definition: GraphDefinition;
  readonly #task: Json;
  readonly #rows: ReadonlyMap<string, RecordedRun>;
  readonly #handlers: Handlers;
  readonly #outputs = new Map<string, Json>();
  readonly #foreign = new Set<string>();
  readonly #running: string[] = [];
  readonly runs: RecordedRun[] = [];
  #state: GraphState;

  constructor(definition: GraphDefinition, { task, ended }: Pick<Happened, 'task' | 'ended'>, handlers: Handlers) {
    this.#definition = definition;
    this.#task = task;
    this.#rows = new Map(ended.filter(({ status }) => status !== 'skipped').map((run) => [run.path, run]));
    this.#handlers = handlers;
    this.#state = startGraph(definition);
  }

  /** Takes so many steps, or all there are. @returns whether there are more */
  carry(most = Number.POSITIVE_INFINITY): boolean {
    for (let taken = 0; taken < most; taken += 1) {
      const steps = readySteps(this.#definition, this.#state);
      const count = steps.length + this.#running.length;
      if (count === 0) return false;
      const pick = this.#handlers.random.below(count);
      const step = steps[pick];
      if (step !== undefined) this.#step(step);
      else this.#endRunning(this.#running.splice(pick - steps.length, 1)[0] ?? '');
    }
    return true;
  }

  /** What has happened by now. */
  happened(): Happened {
    const open = [...this.#running, ...openContainers(this.#definition, this.#state)];
    return { task: this.#task, ended: this.runs, open: open.map((path) => subject(nodeOfRun(this.#definition, path))) };
  }

  /** Whether it was completed, with an output that can be made. */
  isCompleted(): boolean {
    if (!isFinished(this.#definition, this.#state)) return false;
    if (traceResult(this.#definition, this.#state).status !== 'completed') return false;
    const { output } = this.#definition;
    if (nodesRead(output).some((id) => this.#foreign.has(id))) return false;
    const read = documentIn(this.#definition, '', { values: this.#values });
    return read.ok && readInput(output, read.document).ok;
  }

  get #values() {
    return { task: this.#task, outputs: this.#outputs };
  }

  #step({ path, phase }: Step): void {
    const node = nodeOfRun(this.#definition, path);
    const row = phase === 'turn' ? undefined : this.#rows.get(path);
    if (row?.status === 'ok' && row.performer !== performerOf(node)) this.#foreign.add(path);
    const next = row ?? this.#attempt(node, phase);
    if ('path' in next) this.#end(next, phase);
    else if ('size' in next) this.#state = growContainer(this.#definition, this.#state, path, next.size);
    else {
      this.#state = startRuns(this.#definition, this.#state, [path]);
      this.#running.push(path);
    }
  }

  #attempt(node: GraphNode, phase: Step['phase']): RecordedRun | { readonly size: number } | { readonly runs: true } {
    const { size = 0, failedPath, stopped } = innerAt(this.#state, node.id) ?? {};
    const inTurn = phase === 'turn';
    if (inTurn && failedPath !== undefined)
      return failed(
        node,
        failedWithin(
          failedPath,
          this.runs.find((run) => run.path === failedPath),
        ),
      );
    if (inTurn && stopped !== undefined) return failed(node, stoppedFault(stopped));
    const reads = inTurn
      ? readsOfTurn(this.#definition, node.id, size)
      : readsIn(this.#definition, scopeOfPath(node.id), readersOf(node));
    if (reads.paths.some((path) => this.#foreign.has(path)))
      return failed(node, { code: 'foreign', message: 'It reads what another made.' });
    const read = documentIn(this.#definition, scopeOfPath(node.id), {
      values: this.#values,
      task: readTask(readersOf(node)),
    });
    if (!read.ok) return failed(node, read);
    if (isContainer(node)) {
      const rules = containerOf(node);
      const inner = inTurn ? innerOutputs(this.#definition, node.id, { size, values: this.#values }) : null;
      if (inner?.ok === false) return failed(node, inner);
      const next = inner === null ? rules.open(node, read.document) : rules.turn(node, inner.outputs, size);
      if (!next.ok) return failed(node, next);
      if ('output' in next) return { ...subject(node), ...NOTHING, status: 'ok', output: next.output };
      const previous = rules.previous && inner !== null ? (inner.outputs.at(-1) ?? null) : null;
      const fault = innerInputFault(node, read.document, { from: inTurn ? size : 0, size: next.size, previous });
      return fault === null ? { size: next.size } : failed(node, fault);
    }
    const made = rulesOf(node.kind).evaluate?.(node, read.document);
    if (made?.ok === true)
      return { ...subject(node), ...NOTHING, status: 'ok', output: made.output, outcome: made.outcome ?? null };
    if (made?.ok === false) return failed(node, made);
    const input = 'input' in node ? readInput(node.input, read.document) : { ok: true as const };
    return input.ok ? { runs: true } : failed(node, { code: 'handler_input_invalid', message: 'It has no input.' });
  }

  #endRunning(path: string): void {
    const node = nodeOfRun(this.#definition, path);
    this.#end({ ...subject(node), ...NOTHING, ...this.#handlers.end(node) }, 'turn');
  }

  #end(run: RecordedRun, phase: Step['phase']): void {
    if (phase !== 'turn') this.#state = startRuns(this.#definition, this.#state, [run.path]);
    const outcome = run.outcome === null ? {} : { outcome: run.outcome };
    const settled = settleRun(this.#definition, this.#state, run.path, { status: run.status, attempts: 1, ...outcome });
    this.#state = settled.state;
    this.runs.push(run);
    if (run.status === 'ok') this.#outputs.set(run.path, run.output);
    for (const { id } of settled.skipped)
      this.runs.push({ ...subject(nodeOfRun(this.#definition, id)), ...NOTHING, status: 'skipped' });
  }
}

function subject(node: GraphNode): Pick<RecordedRun, 'path' | 'kind' | 'performer'> {
  return { path: node.id, kind: node.kind, performer: performerOf(node) };
}

function failed(node: GraphNode, { code, message }: { readonly code: string; readonly message: string }): RecordedRun {
  return { ...subject(node), ...NOTHING, status: 'fatal_error', error: { code, message } };
}

function openContainers(definition: GraphDefinition, state: GraphState, scope = ''): string[] {
  return definition.nodes.flatMap((node) => {
    const inner = state.nodes[node.id]?.inner;
    if (!isContainer(node) || inner === undefined || state.nodes[node.id]?.status !== 'running') return [];
    const path = `${scope}${node.id}`;
    const within = Object.entries(inner.open).flatMap(([index, open]) => {
      return openContainers(node.graph, open, containerOf(node).numbered ? `${path}[${index}]/` : `${path}/`);
    });
    return [path, ...within];
  });
}
