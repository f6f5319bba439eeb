import type { HandlerReference } from '../agents/define-handler.ts';
import type { Schema, SchemaValue } from '../agents/handler.ts';
import type { Json } from '../json.ts';
import type { Graph } from './defined-graph.ts';
import type { Comparison, NodeBudget } from './definition.ts';
import type { Outcome } from './kinds.ts';

/** A JSON Pointer into the task's input or into the output of one of the named nodes. */
export type PointerTo<Names extends string> =
  | '/task'
  | `/task/${string}`
  | `/nodes/${Names}`
  | `/nodes/${Names}/${string}`;

/**
 * Where one value comes from: a pointer, which makes its node a required dependency; a pointer that is `optional`,
 * which gives null where the node failed or was skipped; or a value that stands for itself.
 */
export type SourceSpec<Names extends string> =
  | PointerTo<Names>
  | { readonly pointer: PointerTo<Names>; readonly optional?: boolean }
  | { readonly value: Json };

/** A condition over pointers; see {@link Condition}. */
export type ConditionSpec<Names extends string> = ConditionOver<PointerTo<Names>>;

/** A condition over the output of a round: its pointers begin with `/output`. */
export type UntilSpec = ConditionOver<'/output' | `/output/${string}`>;

type ConditionOver<Pointer extends string> =
  | { readonly pointer: Pointer; readonly is: Comparison; readonly value?: Json }
  | { readonly all: readonly ConditionOver<Pointer>[] }
  | { readonly any: readonly ConditionOver<Pointer>[] }
  | { readonly not: ConditionOver<Pointer> };

/** What every node may say. */
export interface NodeOptions<Names extends string, Conditions extends string> {
  /** What the node is to reach, for people. @defaultValue the description of its handler */
  readonly objective?: string;
  /** The branches on which the node hangs: it runs only when each condition had the named outcome. */
  readonly when?: { readonly [Name in Conditions]?: Outcome };
  /** Nodes that must have ended `ok` before, though nothing of theirs is read. */
  readonly after?: readonly Names[];
  /** Nodes that must have ended before, however they ended. */
  readonly afterAny?: readonly Names[];
}

/** Any node of any graph: what {@link CheckedNodes} narrows down. */
export type NodeSpec = NodeOptions<string, string> & {
  readonly agent?: HandlerReference & { readonly kind: 'agent' };
  readonly tool?: HandlerReference & { readonly kind: 'tool' };
  readonly condition?: ConditionSpec<string>;
  readonly input?: string | Readonly<Record<string, SourceSpec<string>>>;
  readonly budget?: Partial<NodeBudget>;
  readonly graph?: Graph;
  readonly each?: Graph;
  readonly items?: SourceSpec<string>;
  readonly width?: number;
  readonly repeat?: Graph;
  readonly until?: UntilSpec;
  readonly most?: number;
};
export type NodeSpecs = Readonly<Record<string, NodeSpec>>;

/**
 * What nodes are before they are checked. A narrower bound would make the compiler forget all of them over a fault in
 * one, and complain at the wrong node.
 */
export type UncheckedNodes = Readonly<Record<string, object>>;

/** Holds each node to the others' names, and its input to what its handler takes. */
export type CheckedNodes<Nodes> = {
  readonly [Id in keyof Nodes]: CheckedNode<
    Nodes[Id],
    Exclude<keyof Nodes & string, Id>,
    Exclude<ConditionNames<Nodes>, Id>
  >;
};

type ConditionNames<Nodes> = {
  [Id in keyof Nodes]: Nodes[Id] extends { readonly condition: unknown } ? Id : never;
}[keyof Nodes] &
  string;

type CheckedNode<Node, Names extends string, Conditions extends string> = NodeOptions<Names, Conditions> & {
  readonly [Key in Exclude<keyof Node, keyof NodeSpec>]: never;
} & {
  readonly when?: { readonly [Key in Exclude<BranchNames<Node>, Conditions>]?: never };
} & (Node extends { readonly condition: unknown }
    ? ConditionNode<Names>
    : Node extends { readonly agent: infer Agent }
      ? Pick<Required<NodeSpec>, 'agent'> & { readonly tool?: never } & StepNode<Agent, Node, Names>
      : Node extends { readonly tool: infer Tool }
        ? Pick<Required<NodeSpec>, 'tool'> & StepNode<Tool, Node, Names>
        : Node extends { readonly graph: unknown }
          ? SubGraphSpec<Names>
          : Node extends { readonly each: unknown }
            ? EachSpec<Names>
            : Node extends { readonly repeat: unknown }
              ? RepeatSpec<Names>
              : Pick<Required<NodeSpec>, 'agent'>);

type BranchNames<Node> = Node extends { readonly when: infer Branches } ? keyof Branches : never;

interface ConditionNode<Names extends string> {
  readonly condition: ConditionSpec<Names>;
  readonly agent?: never;
  readonly tool?: never;
  readonly input?: never;
  readonly budget?: never;
}

/** What nodes that run an inner graph have: their input becomes the inner task's. */
interface ContainerSpec<Names extends string> {
  readonly input?: PointerTo<Names> | Readonly<Record<string, SourceSpec<Names>>>;
  readonly agent?: never;
  readonly tool?: never;
  readonly condition?: never;
  readonly budget?: never;
}

interface SubGraphSpec<Names extends string> extends ContainerSpec<Names> {
  /** Runs once; its output is the node's output. */
  readonly graph: Graph;
}

interface EachSpec<Names extends string> extends ContainerSpec<Names> {
  /** Runs for every item, with `item` and `index` besides `input`; the node's output is the list of outputs. */
  readonly each: Graph;
  /** A list of at most 1,000 items. */
  readonly items: SourceSpec<Names>;
  /** How many items are worked on at once: 1 to 16. @defaultValue 4 */
  readonly width?: number;
}

interface RepeatSpec<Names extends string> extends ContainerSpec<Names> {
  /** Runs again and again, with `iteration` (from 0) and `previous`, the output before, besides `input`. */
  readonly repeat: Graph;
  /** Holds for the output of the last round; that is the node's output. */
  readonly until: UntilSpec;
  /** After so many rounds without it the node fails: 1 to 500. @defaultValue 10 */
  readonly most?: number;
}

/** `input` may be left out only where the handler needs none of its properties. */
type StepNode<Step, Node, Names extends string> = { readonly budget?: Partial<NodeBudget> } & ([
  RequiredKeys<HandlerInput<Step>>,
] extends [never]
  ? { readonly input?: CheckedInput<HandlerInput<Step>, Node, Names> }
  : { readonly input: CheckedInput<HandlerInput<Step>, Node, Names> });

type CheckedInput<Input, Node, Names extends string> = PointerTo<Names> | CheckedFields<Input, GivenInput<Node>, Names>;

/** Each required property has a source, each optional one may, and no other name is given one. */
type CheckedFields<Input, Given, Names extends string> = RequiredFields<Input, Names> & {
  readonly [Key in Exclude<keyof Given, AllKeys<Input>>]: never;
} & { readonly [Key in keyof Given]: SourceSpec<Names> };

/** Goes through a union: the sources need only suit one of its members. */
type RequiredFields<Input, Names extends string> = Input extends unknown
  ? { readonly [Key in RequiredKeys<Input>]: SourceSpec<Names> }
  : never;

type GivenInput<Node> = Node extends { readonly input: infer Given }
  ? Given extends string
    ? unknown
    : Given
  : unknown;

/** What a handler takes before its schema fills in defaults. */
type HandlerInput<Step> = Step extends {
  readonly input: { readonly '~standard': { readonly types?: { readonly input: infer Input } | undefined } };
}
  ? unknown extends Input
    ? ParsedInput<Step>
    : Input
  : ParsedInput<Step>;
type ParsedInput<Step> = Step extends { readonly input: infer Input } ? SchemaValue<Input> : unknown;

type AllKeys<Value> = Value extends unknown ? (unknown extends Value ? PropertyKey : keyof Value) : never;
type RequiredKeys<Value> = Value extends object
  ? { [Key in keyof Value]-?: Record<never, never> extends Pick<Value, Key> ? never : Key }[keyof Value]
  : never;

/** A graph as a person writes it. */
export interface GraphSpec<Nodes extends UncheckedNodes, Input extends Schema<unknown>> {
  /** A lower-case letter, then up to 63 of a–z, 0–9 and hyphen. */
  readonly name: string;
  /** @defaultValue '' */
  readonly description?: string;
  /** How many nodes run at once: 1 to 16. @defaultValue 4 */
  readonly width?: number;
  /** What a task's input must be; stored with the graph as JSON Schema where the schema's library can write that. */
  readonly input: Input;
  /** The property of the input that takes a submitted document's text. @defaultValue none: takes no document */
  readonly document?: AllKeys<SchemaValue<Input>> & string;
  /** The nodes by id: a letter, then up to 63 letters, digits and hyphens. At most 200. */
  readonly nodes: Nodes & CheckedNodes<Nodes>;
  /** One pointer to the whole output, or sources by the names of the output's properties. */
  readonly output: PointerTo<keyof Nodes & string> | Readonly<Record<string, SourceSpec<keyof Nodes & string>>>;
}
