import type { HandlerReference } from '../../agents/define-handler.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Json } from '../../json.ts';
import type { Graph } from '../defined-graph.ts';
import type { Condition, GraphDefinition, GraphNode, InputMapping } from '../definition.ts';
import type { NodeSpec } from '../graph-spec.ts';
import type { Outcome } from '../kinds.ts';
import type { GraphDocument } from '../read-source.ts';
import type { Place } from '../read-unknown.ts';

/**
 * How a node is carried out. `inline`: as part of a stretch of quick nodes, in one activity with others. `activity`: in
 * an activity of its own. `thinking`: by one activity for each call of its model and its tools. `container`: its opening and
 * closing are inline, the nodes of its inner graphs by their own nature. `wait`: by looks at its row, between which the
 * workflow waits to be told.
 */
export type Drive = 'inline' | 'activity' | 'thinking' | 'container' | 'wait';

/** The fields of a node in unknown data, by name: the value, and where a fault of it is noted. */
export type NodeField = (name: string) => readonly [value: unknown, place: Place];

/** Reads a nested graph; an empty one where there is nothing to read. */
export type ReadGraph = (value: unknown, place: Place) => GraphDefinition;

/** The fields that a kind's nodes have besides those of every node. */
export type OwnFields<Node extends GraphNode> = Omit<Node, 'id' | 'kind' | 'objective' | 'dependsOn'>;

/** Where the handlers of a node come from; nothing for one that calls none. */
export interface Brought {
  readonly handler?: HandlerReference | undefined;
  readonly graph?: Graph | undefined;
}

/** What a node of a pure kind comes to: an output, with an outcome if its kind decides, or why there is none. */
export type Evaluated =
  | { readonly ok: true; readonly output: Json; readonly outcome?: Outcome }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** What is particular to a node's kind: all that the rest of the program asks of it. */
export interface KindRules<Node extends GraphNode = GraphNode> {
  /** The property by which `defineGraph` knows a node of this kind. */
  readonly property: keyof NodeSpec;
  /** Another property that says the same in other words. @defaultValue none */
  readonly alias?: keyof NodeSpec;
  /** What else a person may write in such a node, besides the options of every node. */
  readonly written: readonly (keyof NodeSpec)[];
  /** The objective of a node that names none and calls no handler with a description. */
  readonly objective: string;
  /** What of a node as a person writes it brings handlers: its own agent or tool, or its inner graph. */
  brings(spec: NodeSpec): Brought;
  /** Makes the kind's own fields of what a person wrote. */
  build(spec: NodeSpec): OwnFields<Node>;
  /** The names of the fields that nodes of this kind have besides those of every node. */
  readonly fields: readonly string[];
  /** Those that only some of them have. @defaultValue none */
  readonly optional?: readonly string[];
  /** Reads these fields and notes their faults. */
  parse(field: NodeField, readGraph: ReadGraph): OwnFields<Node>;
  drive(node: Node): Drive;
  /** What reads the document of the node's graph, by the name of the field. */
  readers(node: Node): Readonly<Record<string, InputMapping | Condition>>;
  /** What stands in a workflow's plan for the fields whose content only activities need. */
  readonly plan: Readonly<Record<string, unknown>>;
  /** Whether it ends with an outcome, on which branches hang. */
  readonly decides: boolean;
  /** Whether it is a guardrail, which others may require to pass. @defaultValue false */
  readonly guards?: boolean;
  /**
   * How a node of a pure kind comes to its output: from the document alone, so that it comes to the same wherever and
   * whenever it is asked again. Activities carry such a node out by it, and a replay by nothing else. Never throws.
   * Absent for a kind that is carried out in another way.
   */
  evaluate?(node: Node, document: GraphDocument): Evaluated;
  /** The status of a task of which nothing runs but such nodes. Absent for a kind that is not driven as a `wait`. */
  readonly waitsAs?: 'waiting_approval' | 'waiting_input';
  /** How its inner graphs are run; absent for a kind that has none. */
  readonly container?: ContainerRules<Node>;
}

/** A container's step that cannot be made, and would fail again. */
export interface ContainerFault {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
  /** How its run ends. @defaultValue 'fatal_error' */
  readonly status?: 'retryable_error' | 'fatal_error';
}

/** How a kind of container runs its inner graphs, which are numbered from 0. */
export interface ContainerRules<Node extends GraphNode = GraphNode> {
  /** Whether its inner graphs are told apart by their numbers in paths. */
  readonly numbered: boolean;
  /** The names in an inner graph's input that the kind itself gives. */
  readonly gives: readonly string[];
  /** How many run at once. */
  parallel(node: Node): number;
  /** How many inner graphs there are to run at first. */
  open(node: Node, document: GraphDocument): { readonly ok: true; readonly size: number } | ContainerFault;
  /**
   * The task input of an inner graph.
   * @param inner its number, and the output of the one before it where there is one and `previous` is true
   */
  input(
    node: Node,
    document: GraphDocument,
    inner: InnerRun,
  ): { readonly ok: true; readonly value: Json } | ContainerFault;
  /** Whether an inner graph's input holds the output of the one before it. */
  readonly previous: boolean;
  /** The numbers of the inner graphs whose outputs {@link turn} reads, once `size` of them have ended. */
  outputs(size: number): readonly number[];
  /** What follows when all inner graphs so far have ended well: the container's output, or more of them. */
  turn(
    node: Node,
    outputs: readonly Json[],
    size: number,
  ): { readonly ok: true; readonly output: Json } | { readonly ok: true; readonly size: number } | ContainerFault;
}

/** One inner graph, as its input is made. */
export interface InnerRun {
  readonly index: number;
  /** Null before the first, and where the kind hands nothing on. */
  readonly previous: Json;
}
