import type { ContainerNode, GraphDefinition, GraphNode } from '../../../domain/graphs/definition.ts';
import { type GraphState, isFinished, startGraph, traceResult } from '../../../domain/graphs/graph-state.ts';
import { failedWithin, stoppedFault } from '../../../domain/graphs/kinds/inner-graph.ts';
import { containerOf, isContainer, performerOf, rulesOf } from '../../../domain/graphs/kinds/kind-table.ts';
import {
  abandonRuns,
  growContainer,
  innerAt,
  readySteps,
  settleRun,
  startRuns,
} from '../../../domain/graphs/run-state.ts';
import { documentIn, innerOutputs, nodeOfRun } from '../../../domain/graphs/scope.ts';
import type { Json } from '../../../domain/json.ts';
import type { RecordedRun, RecordedTrace } from '../../../domain/traces/canonical.ts';
import { parentOfPath, scopeOfPath } from '../../../domain/traces/path.ts';

/** How an execution goes, drawn before it begins. */
export interface Schedule {
  /** Which of the steps that may be taken is taken, again and again. */
  readonly picks: readonly number[];
  /** Of 40 runs of agents, how many fail. */
  readonly failures: number;
  /** After how many steps the task is cancelled; null for never. */
  readonly stopAfter: number | null;
  /** Whether the end of a run is recorded at any moment before the graph hears of it. @defaultValue false */
  readonly heardLate?: boolean;
}

const NOTHING = { outcome: null, output: null, error: null } as const;

/**
 * Carries a graph out as a worker does, a step after the other in the drawn order, and keeps what the rows would hold. Runs
 * of agents begin and end in two steps, so that several are under way at once.
 */
export function carriedOut(
  definition: GraphDefinition,
  { picks, failures, stopAfter, heardLate = false }: Schedule,
): RecordedTrace {
  const task = { n: 1 };
  const outputs = new Map<string, Json>();
  const runs: RecordedRun[] = [];
  /** How many ends were recorded when a run of an agent began. */
  const begins = new Map<string, number>();
  let running: string[] = [];
  let state: GraphState = startGraph(definition);
  let stopped = false;
  const end = (run: RecordedRun) => {
    const { outcome } = run;
    const settled = settleRun(definition, state, run.path, {
      ...{ status: run.status, attempts: 1 },
      ...(outcome === null ? {} : { outcome }),
    });
    state = settled.state;
    if (run.status === 'ok') outputs.set(run.path, run.output);
    const began = begins.get(run.path);
    const late =
      began === undefined || !heardLate ? 0 : (picks[runs.length % picks.length] ?? 0) % (runs.length - began + 1);
    runs.splice(runs.length - late, 0, run);
    for (const { id } of settled.skipped) if (parentOfPath(id) === null) runs.push(skippedRun(definition, id));
  };
  for (let turn = 0; ; turn += 1) {
    if (turn === stopAfter && !isFinished(definition, state)) {
      const abandoned = abandonRuns(definition, state, 'the task was cancelled');
      state = abandoned.state;
      for (const { id } of abandoned.skipped) if (parentOfPath(id) === null) runs.push(skippedRun(definition, id));
      for (const path of [...running, ...openContainers(definition, state)]) runs.push(cutOff(definition, path));
      stopped = true;
      break;
    }
    const steps = readySteps(definition, state);
    if (steps.length + running.length === 0) break;
    const pick = (picks[turn % picks.length] ?? 0) % (steps.length + running.length);
    const step = steps[pick];
    if (step === undefined) {
      const path = running[pick - steps.length] ?? '';
      running = running.filter((other) => other !== path);
      end(handlerEnd(definition, path, (hash(path) + (picks[0] ?? 0)) % 40 < failures));
      continue;
    }
    const node = nodeOfRun(definition, step.path);
    const values = { task, outputs };
    const document = documentIn(definition, scopeOfPath(step.path), { values });
    if (!document.ok) throw new Error(document.message);
    if (isContainer(node)) {
      const next = containerStep(definition, node, {
        state,
        values,
        runs,
        document: document.document,
        phase: step.phase,
      });
      if (next.ok && 'size' in next) state = growContainer(definition, state, step.path, next.size);
      else if (next.ok) end({ ...subject(node), ...NOTHING, status: 'ok', output: next.output });
      else end({ ...subject(node), ...NOTHING, status: next.status ?? 'fatal_error', error: next });
    } else if (rulesOf(node.kind).evaluate === undefined) {
      state = startRuns(definition, state, [step.path]);
      running.push(step.path);
      begins.set(step.path, runs.length);
    } else {
      const made = rulesOf(node.kind).evaluate?.(node, document.document);
      if (made === undefined) throw new Error('It could not be evaluated.');
      if (made.ok)
        end({ ...subject(node), ...NOTHING, status: 'ok', output: made.output, outcome: made.outcome ?? null });
      else end({ ...subject(node), ...NOTHING, status: 'fatal_error', error: made });
    }
  }
  if (stopped) return { task, runs, end: { status: 'cancelled', output: null, error: null } };
  const result = traceResult(definition, state);
  if (result.status === 'completed') return { task, runs, end: { status: 'completed', output: task, error: null } };
  const error = runs.find(({ path }) => path === result.node)?.error ?? { code: '', message: '' };
  return { task, runs, end: { status: 'failed', output: null, error: { ...error, node: result.node } } };
}

/** Puts inner graphs into the places of some agents of an outer one: each, repeat and sub-graph in turn. */
export function nested(outer: GraphDefinition, inner: GraphDefinition): GraphDefinition {
  const innermost = {
    ...decided(inner),
    output: { fields: { iteration: { pointer: '/task/iteration', optional: true } } },
  };
  const nodes = decided(outer).nodes.map((node, index): GraphNode => {
    if (node.kind !== 'agent' || index % 2 === 0) return node;
    const { id, objective, dependsOn } = node;
    const base = { id, objective, dependsOn, graph: innermost, input: { fields: {} } };
    if (index % 3 === 0) return { ...base, kind: 'each', items: { value: [1, 2, 3, 4, 5] }, width: 2 };
    if (index % 3 === 1) return { ...base, kind: 'sub-graph' };
    return {
      ...base,
      kind: 'repeat',
      most: 3,
      until: { pointer: '/output/iteration', is: 'equals', value: index % 4 },
    };
  });
  return { ...outer, nodes };
}

/** The same graph, of whose guardrails half block. */
export function blocking(graph: GraphDefinition): GraphDefinition {
  const guardrail = { bannedPhrases: ['harmless'] };
  const nodes = graph.nodes.map((node) =>
    node.kind === 'guardrail' && hash(node.id) % 2 === 0 ? { ...node, guardrail } : node,
  );
  return { ...graph, nodes };
}

/** Half of the conditions decide the other way. */
function decided(graph: GraphDefinition): GraphDefinition {
  const nodes = graph.nodes.map((node) =>
    node.kind === 'condition' && hash(node.id) % 2 === 0 ? { ...node, condition: { not: node.condition } } : node,
  );
  return { ...graph, nodes };
}

function containerStep(
  definition: GraphDefinition,
  node: ContainerNode,
  {
    state,
    values,
    runs,
    document,
    phase,
  }: {
    readonly state: GraphState;
    readonly values: Parameters<typeof innerOutputs>[2]['values'];
    readonly runs: readonly RecordedRun[];
    readonly document: Parameters<ReturnType<typeof containerOf>['open']>[1];
    readonly phase: string;
  },
) {
  if (phase === 'open') return containerOf(node).open(node, document);
  const { size = 0, failedPath, stopped } = innerAt(state, node.id) ?? {};
  if (failedPath !== undefined)
    return failedWithin(
      failedPath,
      runs.find(({ path }) => path === failedPath),
    );
  if (stopped !== undefined) return stoppedFault(stopped);
  const inner = innerOutputs(definition, node.id, { size, values });
  return inner.ok ? containerOf(node).turn(node, inner.outputs, size) : inner;
}

function subject(node: GraphNode) {
  return { path: node.id, kind: node.kind, performer: performerOf(node) };
}

function handlerEnd(definition: GraphDefinition, path: string, fails: boolean): RecordedRun {
  const node = nodeOfRun(definition, path);
  if (!fails) return { ...subject(node), ...NOTHING, status: 'ok', output: { from: path } };
  const status = hash(path) % 2 === 0 ? 'fatal_error' : 'retryable_error';
  return { ...subject(node), ...NOTHING, status, error: { code: 'handler_failed', message: 'no' } };
}

function skippedRun(definition: GraphDefinition, path: string): RecordedRun {
  return {
    ...subject(nodeOfRun(definition, path)),
    ...NOTHING,
    status: 'skipped',
    error: { code: 'skipped', message: '' },
  };
}

function cutOff(definition: GraphDefinition, path: string): RecordedRun {
  const error = { code: 'handler_cancelled', message: 'the task was cancelled' };
  return { ...subject(nodeOfRun(definition, path)), ...NOTHING, status: 'fatal_error', error };
}

function openContainers(definition: GraphDefinition, state: GraphState): string[] {
  return definition.nodes
    .filter((node) => state.nodes[node.id]?.status === 'running' && isContainer(node))
    .map(({ id }) => id);
}

function hash(text: string): number {
  return [...text].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 9973, 7);
}
