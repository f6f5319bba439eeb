import type { Handler } from '../../domain/agents/handler.ts';
import { parseWith } from '../../domain/agents/schema.ts';
import type { Graph } from '../../domain/graphs/defined-graph.ts';
import type { GraphNode } from '../../domain/graphs/definition.ts';
import { type GraphState, isFinished, readyNodes, settleNode, startGraph } from '../../domain/graphs/graph-state.ts';
import { evaluateCondition, type GraphDocument, readInput } from '../../domain/graphs/read-source.ts';
import type { Json } from '../../domain/json.ts';
import { fakeContext } from './fake-context.ts';

export interface Driven {
  readonly output: Json;
  readonly statuses: Readonly<Record<string, string>>;
  /** Time of each node in milliseconds. */
  readonly times: Readonly<Record<string, number>>;
  /** How often each node reported progress. */
  readonly beats: Readonly<Record<string, number>>;
  readonly document: GraphDocument;
}

/** Runs a graph in this process by the rules of the interpreter, values passing through JSON as they do in a store. */
export async function driveGraph(
  graph: Graph,
  task: Json,
  substitutes: Partial<Record<string, Handler['handle']>> = {},
): Promise<Driven> {
  const { definition } = graph;
  const outputs: Record<string, Json> = {};
  const times: Record<string, number> = {};
  const beats: Record<string, number> = {};
  let state = startGraph(definition);
  const document: GraphDocument = { task, nodes: outputs };
  while (!isFinished(definition, state)) {
    for (const node of readyNodes(definition, state)) {
      const started = performance.now();
      state = await carryOut(node, { graph, state, document, outputs, beats, substitutes });
      times[node.id] = Math.round(performance.now() - started);
    }
  }
  const output = readInput(definition.output, document);
  if (!output.ok) throw new Error(`the graph has no output at ${output.pointer}`);
  const statuses = Object.fromEntries(Object.entries(state.nodes).map(([id, { status }]) => [id, status]));
  return { output: output.value, statuses, times, beats, document };
}

interface Drive {
  readonly graph: Graph;
  readonly state: GraphState;
  readonly document: GraphDocument;
  readonly outputs: Record<string, Json>;
  readonly beats: Record<string, number>;
  readonly substitutes: Partial<Record<string, Handler['handle']>>;
}

async function carryOut(node: GraphNode, drive: Drive): Promise<GraphState> {
  const { graph, state, document, outputs, beats, substitutes } = drive;
  if (node.kind === 'condition') {
    const outcome = evaluateCondition(node.condition, document) ? 'true' : 'false';
    return settleNode(graph.definition, state, node.id, { status: 'ok', attempts: 1, outcome }).state;
  }
  if (!('handler' in node)) throw new Error(`node ${node.id} is of kind ${node.kind}, which is not driven here`);
  const handler = graph.handlers.find(({ name }) => name === node.handler);
  const input = readInput(node.input, document);
  if (handler === undefined || !input.ok) throw new Error(`node ${node.id} cannot run`);
  const handle = substitutes[handler.name] ?? handler.handle;
  const parsed = await parseWith(handler.input, input.value);
  if (!parsed.ok) throw new Error(`input of ${node.id}: ${JSON.stringify(parsed.issues)}`);
  const context = fakeContext(node.id);
  const result = await parseWith(handler.output, await handle(parsed.value, context));
  if (!result.ok) throw new Error(`output of ${node.id}: ${JSON.stringify(result.issues)}`);
  beats[node.id] = context.beats.count;
  outputs[node.id] = JSON.parse(JSON.stringify(result.value));
  return settleNode(graph.definition, state, node.id, { status: 'ok', attempts: 1 }).state;
}
