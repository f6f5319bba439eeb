import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { RunPath } from '../../traces/path.ts';
import type { ContainerNode, EachNode, GraphDefinition } from '../definition.ts';
import { hasNode } from '../has-node.ts';
import { containerOf, performerOf } from '../kinds/kind-table.ts';
import type { Outcome } from '../kinds.ts';
import { type GraphDocument, nodesRead } from '../read-source.ts';
import { replayTrace } from '../replay.ts';
import type { InnerCheck, Replayed } from '../replayed.ts';
import { nodeOfRun } from '../scope.ts';
import { ANYTHING, isUnknown } from './anything.ts';
import type { Break, Happened, Proof, ProofOptions } from './proof.ts';
import { Supposition } from './supposition.ts';

/** How many ways through unknown conditions are tried. */
const MOST_WAYS = 256;

/**
 * Whether a task can be completed under a version of its graph, with what has happened: it breaks where it cannot, however
 * well the runs that are still to come may end, and whatever they may return. Calls nothing. Where more than 256 ways lead
 * through conditions that nothing is known of, and none of those was completed, it does not count as a break.
 */
export function prove(definition: GraphDefinition, happened: Happened, options: ProofOptions): Proof {
  const fault = faultOf(definition, happened, options);
  if (fault !== null) return { breaks: fault, stood: [], assumed: [] };
  const mayRun = (node: EachNode, task: Json, document: GraphDocument) => {
    const one = withKnownSchema({ ...node, items: { value: [ANYTHING] } }, task);
    const fault = one && (options.checkInner?.(one, document, { from: 0, size: 1, previous: null }) ?? null);
    const { checkTask: _, ...inner } = options;
    return fault === null && prove(node.graph, { task, ended: [], open: [] }, inner).breaks === null;
  };
  let breaks: Break | null = null;
  let choices: readonly Outcome[] | null = [];
  for (let ways = 0; choices !== null; ways += 1) {
    const supposition = new Supposition(definition, happened, { stands: options.stands, choices, mayRun });
    const broken = walk(definition, happened, { ...options, supposition });
    const { stood, assumed } = supposition;
    if (broken === null || ways === MOST_WAYS) return { breaks: null, stood: [...stood], assumed: [...assumed] };
    breaks ??= broken;
    choices = nextChoices(supposition.made);
  }
  return { breaks, stood: [], assumed: [] };
}

/** The faults that need no walk: the task's input, and what has begun and has no place to continue in. */
function faultOf(
  definition: GraphDefinition,
  { task, ended, open }: Happened,
  { stands, checkTask }: ProofOptions,
): Break | null {
  const unfit = checkTask?.(task) ?? null;
  if (unfit !== null) return { path: null, message: `The task's input does not fit: ${unfit}.` };
  if (stands === 'handlers') return null;
  for (const run of open) {
    const { path, kind, performer } = run;
    const node = nodeIn(definition, path);
    if (node === null) return { path, message: 'It has begun, and this version has no such node.' };
    if (node.kind === kind && performerOf(node) === performer) continue;
    const was = `It has begun as the ${kind} "${performer}"`;
    return { path, message: `${was}, and is the ${node.kind} "${performerOf(node)}" in this version.` };
  }
  for (const { path, kind, status } of ended) {
    const node = status === 'ok' ? nodeIn(definition, path) : null;
    if (node === null || node.kind === kind) continue;
    return {
      path,
      message: `It ended as a node of the kind ${kind}, and is of the kind ${node.kind} in this version.`,
    };
  }
  return null;
}

function nodeIn(definition: GraphDefinition, path: RunPath) {
  return hasNode(definition, path) ? nodeOfRun(definition, path) : null;
}

function walk(
  definition: GraphDefinition,
  { task }: Happened,
  { supposition, checkInner }: ProofOptions & { readonly supposition: Supposition },
): Break | null {
  const { suppose } = supposition;
  const checks = checkInner === undefined ? {} : { checkInner: checkKnown(checkInner) };
  const replayed = replayTrace(definition, { task, runs: [], end: null }, { suppose, ...checks });
  if (replayed.end?.status !== 'failed') {
    const foreign = supposition.foreignFault(nodesRead(definition.output));
    return foreign === null ? null : { path: null, message: `The output reads ${foreign}` };
  }
  const { error } = replayed.end;
  const message = error?.message ?? 'A value of the output is missing.';
  return error?.node === undefined ? { path: null, message } : innermost(replayed, error.node, message);
}

/** A container fails with the sentence of what failed within, behind its path. */
function innermost({ runs }: Replayed, node: RunPath, message: string): Break {
  let found: Break = { path: node, message };
  for (const { path, status, error } of runs) {
    const isWithin = status !== 'skipped' && path.startsWith(`${node}`) && path.length > (found.path ?? '').length;
    if (isWithin && error !== null && message.endsWith(error.message)) found = { path, message: error.message };
  }
  return found;
}

/** Of an input that holds what is not known, the fields that are known are checked, each by what the schema says of it. */
function checkKnown(check: InnerCheck): InnerCheck {
  return (node, document, beginning) => {
    const rules = containerOf(node);
    for (let index = beginning.from; index < beginning.size; index += 1) {
      const input = rules.input(node, document, { index, previous: beginning.previous });
      const known = input.ok ? withKnownSchema(node, input.value) : node;
      const fault = known && check(known, document, { ...beginning, from: index, size: index + 1 });
      if (fault !== null) return fault;
    }
    return null;
  };
}

/** The node with what its graph's schema says of known fields; null where nothing of the input is known. */
function withKnownSchema(node: ContainerNode, input: Json): ContainerNode | null {
  const { inputSchema: schema } = node.graph;
  if (schema === null || !isUnknown(input)) return node;
  if (input === ANYTHING || !isJsonObject(input)) return null;
  const isKnown = (name: string) => !isUnknown(input[name]);
  const { properties = {}, required = [], $defs = {} } = schema;
  const own = Object.entries(properties as JsonObject).filter(([name]) => isKnown(name));
  const needed = (required as readonly string[]).filter(isKnown);
  const inputSchema = { properties: Object.fromEntries(own), required: needed, $defs };
  return { ...node, graph: { ...node.graph, inputSchema } };
}

/** The next way: the last choice that was not tried the other way is. Null where all were. */
function nextChoices(made: readonly Outcome[]): readonly Outcome[] | null {
  const last = made.lastIndexOf('true');
  return last < 0 ? null : [...made.slice(0, last), 'false'];
}
