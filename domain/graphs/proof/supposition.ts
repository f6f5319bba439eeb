import type { Json } from '../../json.ts';
import type { RecordedRun } from '../../traces/canonical.ts';
import { type RunPath, scopeOfPath } from '../../traces/path.ts';
import { isBound } from '../connections.ts';
import type { ContainerNode, EachNode, GraphDefinition, GraphNode, InputMapping } from '../definition.ts';
import { inputWith } from '../kinds/inner-graph.ts';
import { isContainer, performerOf, readersOf, rulesOf } from '../kinds/kind-table.ts';
import type { Outcome } from '../kinds.ts';
import { type GraphDocument, readInput } from '../read-source.ts';
import type { Suppose, SupposedStep } from '../replayed.ts';
import { ended, failed } from '../run-ends.ts';
import { readsIn, readsOfTurn } from '../scope.ts';
import { ANYTHING, isUnknown, missingIn, outcomesOf } from './anything.ts';
import type { Happened, ProofOptions } from './proof.ts';

interface SuppositionOptions extends Pick<ProofOptions, 'stands'> {
  /** How the conditions are decided of which nothing is known, in the order in which they are met; then `true`. */
  readonly choices: readonly Outcome[];
  /** Whether the graph of an each can be completed for an item of which nothing is known. */
  mayRun(node: EachNode, task: Json, document: GraphDocument): boolean;
}

/** What is supposed of the runs on one way through a graph: ends that stand, and of the others that they end well. */
export class Supposition {
  readonly stood = new Set<RunPath>();
  readonly assumed = new Set<RunPath>();
  /** The choices that were made. */
  readonly made: Outcome[] = [];
  /** Runs that stand although another agent or tool is in their place. */
  readonly #foreign = new Map<RunPath, string>();
  readonly #definition: GraphDefinition;
  readonly #ended: ReadonlyMap<RunPath, RecordedRun>;
  readonly #options: SuppositionOptions;

  constructor(definition: GraphDefinition, { ended }: Happened, options: SuppositionOptions) {
    this.#definition = definition;
    // What was skipped is decided anew.
    const stands = ended.filter(({ status }) => status !== 'skipped');
    this.#ended = new Map(stands.map((run) => [run.path, run]));
    this.#options = options;
  }

  readonly suppose: Suppose = (node, step) => {
    const known = step.phase === 'turn' ? undefined : this.#standing(node);
    // What a parked task has behind it is not given its input again.
    if (known !== undefined && this.#options.stands === 'all') return this.#stand(node, known);
    const foreign = this.foreignFault(this.#reads(node, step));
    if (foreign !== null) return failed(node, { code: 'performer_changed', message: `It reads ${foreign}` });
    if (step.phase === 'turn') return this.#turn(node, step);
    const read = step.document();
    const missing = read.ok ? missingIn(readersOf(node), read.document) : null;
    if (isContainer(node)) return read.ok ? this.#open(node, read.document) : null;
    // What is missing is, whatever is not known: the rules say so.
    if (isPure(node)) return read.ok && missing === null ? this.#decide(node, read.document) : null;
    if (!read.ok) return failed(node, read);
    if (missing === null) return known === undefined ? this.#assume(node) : this.#stand(node, known);
    const message = `It cannot be given its input: ${missing} has no value.`;
    return failed(node, { code: 'handler_input_invalid', message });
  };

  /** Of the first of these runs that another one made than is in its place now. Null where there is none. */
  foreignFault(paths: readonly RunPath[]): string | null {
    const path = paths.find((path) => this.#foreign.has(path));
    return path === undefined ? null : `"${path}", ${this.#foreign.get(path)}`;
  }

  #standing(node: GraphNode): RecordedRun | undefined {
    const known = this.#ended.get(node.id);
    if (known === undefined || this.#options.stands === 'all') return known;
    const isSame = known.kind === node.kind && known.performer === performerOf(node);
    return isSame && !isContainer(node) && !isPure(node) ? known : undefined;
  }

  #stand(node: GraphNode, known: RecordedRun): RecordedRun {
    this.stood.add(node.id);
    const performer = performerOf(node);
    if (known.status === 'ok' && known.performer !== performer) {
      const now = `and which is the ${node.kind} "${performer}" in this version.`;
      this.#foreign.set(node.id, `which the ${known.kind} "${known.performer}" has made ${now}`);
    }
    return known;
  }

  #reads(node: GraphNode, { phase, size }: SupposedStep): readonly RunPath[] {
    if (phase === 'turn') return readsOfTurn(this.#definition, node.id, size).paths;
    return readsIn(this.#definition, scopeOfPath(node.id), readersOf(node)).paths;
  }

  /**
   * Containers are opened by the rules, but for those of which nothing is known that the rules would read. Items that are not
   * known may be none; where no item could be run, they have to be.
   */
  #open(node: ContainerNode, document: GraphDocument): RecordedRun | null {
    const isWhole = node.kind !== 'sub-graph' && isAnything(node.input, document);
    if (!('items' in node) || !isAnything({ whole: node.items }, document)) return isWhole ? this.#assume(node) : null;
    const input = inputWith(node, document, { item: ANYTHING, index: ANYTHING });
    const mayRun = isWhole || (input.ok && this.#options.mayRun(node, input.value, document));
    return this.#assume(node, mayRun ? ANYTHING : []);
  }

  /** A repeat whose condition may hold ends. */
  #turn(node: GraphNode, { outputs }: SupposedStep): RecordedRun | null {
    const read = 'until' in node ? outputs() : null;
    if (read?.ok !== true || !('until' in node)) return null;
    const output = read.outputs.at(-1) ?? null;
    const [first, ...others] = outcomesOf(node.until, { output });
    return first === 'true' && others.length > 0 ? this.#assume(node, output) : null;
  }

  /** What follows from the rules is left to them, unless it follows from what is not known. */
  #decide(node: GraphNode, document: GraphDocument): RecordedRun | null {
    if ('condition' in node) {
      const outcomes = outcomesOf(node.condition, document as unknown as Json);
      return outcomes.length === 1 ? null : this.#choose(node);
    }
    const read = 'input' in node ? readInput(node.input, document) : null;
    return read?.ok === true && isUnknown(read.value) ? this.#assume(node) : null;
  }

  #choose(node: GraphNode): RecordedRun {
    const outcome = this.#options.choices[this.made.length] ?? 'true';
    this.made.push(outcome);
    return { ...this.#assume(node, outcome === 'true'), outcome };
  }

  #assume(node: GraphNode, output: Json = ANYTHING): RecordedRun {
    this.assumed.add(node.id);
    return ended(node, { output, outcome: null });
  }
}

function isAnything(reader: InputMapping, document: GraphDocument): boolean {
  const read = readInput(reader, document);
  return read.ok && read.value === ANYTHING;
}

/** The paths, in the definition, of the nodes whose ends only a record can tell. */
export function recordedNodes({ nodes }: GraphDefinition, scope = ''): readonly string[] {
  return nodes.flatMap((node) => {
    const path = `${scope}${node.id}`;
    if (isContainer(node)) return recordedNodes(node.graph, `${path}/`);
    return isPure(node) || isBound(node) ? [] : [path];
  });
}

function isPure(node: GraphNode): boolean {
  const { evaluate, drive } = rulesOf(node.kind);
  return evaluate !== undefined && drive(node) === 'inline';
}
