import type { HandlerReference } from '../agents/define-handler.ts';
import type { Schema, SchemaValue } from '../agents/handler.ts';
import type { Graph } from './defined-graph.ts';
import type { GuardrailRules, LlmOptions, NodeBudget } from './definition.ts';
import type { Outcome, ParseFormat } from './kinds.ts';
import type { ConditionSpec, PointerTo, SourceSpec, UntilSpec } from './source-spec.ts';
import type { ApprovalSpec, AwaitedSpec, ChildSpec, CollectedSpec, CollectSpec, WaitSpec } from './waiting-spec.ts';

/** The properties of every node. */
export interface NodeOptions<Names extends string, Conditions extends string, Guardrails extends string> {
  /** The purpose of the node, for people. @defaultValue the description of its handler */
  readonly objective?: string;
  /** The branches of the node: it runs only when each condition had the named outcome. */
  readonly when?: { readonly [Name in Conditions]?: Outcome };
  /** Nodes that must have ended `ok` before, although their outputs are not read. */
  readonly after?: readonly Names[];
  /** Nodes that must have ended before, however they ended. */
  readonly afterAny?: readonly Names[];
  /** Guardrails that must have passed before. */
  readonly guardedBy?: readonly Guardrails[];
  /** Nodes in whose place this one runs: only if at least one of them failed, which then fails nothing else. */
  readonly fallbackOf?: readonly Names[];
}

/** A thinking agent that is written in its graph: see docs/agents.md. */
export interface LlmSpec<Names extends string> extends Partial<Omit<LlmOptions, 'operations' | 'instructions'>> {
  /** A name of the installation's models. */
  readonly model: string;
  readonly instructions: string;
  /** What it may call: nodes of this graph that are tools, and operations by their names. @defaultValue none */
  readonly tools?: readonly (Names | `${string}.${string}`)[];
}

/** Any node of any graph, which {@link CheckedNodes} narrows. */
export type NodeSpec = NodeOptions<string, string, string> & {
  readonly agent?: HandlerReference & { readonly kind: 'agent' };
  readonly tool?: HandlerReference & { readonly kind: 'tool' };
  readonly operation?: string;
  readonly condition?: ConditionSpec<string>;
  readonly prompt?: string;
  readonly function?: string;
  readonly parse?: ParseFormat;
  readonly pattern?: string;
  readonly fields?: readonly string[];
  readonly guardrail?: GuardrailRules;
  readonly input?: string | Readonly<Record<string, SourceSpec<string>>>;
  readonly budget?: Partial<NodeBudget>;
  readonly graph?: Graph;
  readonly each?: Graph;
  readonly items?: SourceSpec<string>;
  readonly width?: number;
  readonly repeat?: Graph;
  readonly until?: UntilSpec;
  readonly most?: number;
  readonly llm?: LlmSpec<string>;
  readonly approval?: string;
  readonly wait?: AwaitedSpec<SourceSpec<string>>;
  readonly collect?: CollectedSpec;
  readonly child?: Graph | string;
  readonly expiresMs?: number;
};
export type NodeSpecs = Readonly<Record<string, NodeSpec>>;

/**
 * The nodes before they are checked. With a narrower bound, one faulty node would make the compiler lose the types of
 * all and report the wrong node.
 */
export type UncheckedNodes = Readonly<Record<string, object>>;

/** Checks each node against the others' names, and its input against its handler's. */
export type CheckedNodes<Nodes> = {
  readonly [Id in keyof Nodes]: Id extends BoundNames<Nodes>
    ? BoundTool
    : CheckedNode<
        Nodes[Id],
        Exclude<keyof Nodes & string, Id>,
        Exclude<NamesWith<'condition', Nodes>, Id>,
        Exclude<NamesWith<'guardrail', Nodes>, Id>
      >;
};

/** The nodes that llms have as their tools. */
type BoundNames<Nodes> = {
  [Id in keyof Nodes]: Nodes[Id] extends { readonly llm: { readonly tools: readonly (infer Name)[] } } ? Name : never;
}[keyof Nodes];

/** A tool that an llm may call: the model gives it its input, and says when. */
type BoundTool =
  | (Pick<Required<NodeSpec>, 'tool'> & NothingBut<'tool' | 'objective'>)
  | (Pick<Required<NodeSpec>, 'operation'> & NothingBut<'operation' | 'objective'>);
type NothingBut<Known extends keyof NodeSpec> = { readonly [Other in Exclude<keyof NodeSpec, Known>]?: never };

/** The nodes of one kind. */
type NamesWith<Property extends string, Nodes> = {
  [Id in keyof Nodes]: Nodes[Id] extends { readonly [Key in Property]: unknown } ? Id : never;
}[keyof Nodes] &
  string;

type CheckedNode<Node, Names extends string, Conditions extends string, Guardrails extends string> = NodeOptions<
  Names,
  Conditions,
  Guardrails
> & {
  readonly [Key in Exclude<keyof Node, keyof NodeOptions<'', '', ''> | KnownTo<Node, Names>>]: never;
} & {
  readonly when?: { readonly [Key in Exclude<BranchNames<Node>, Conditions>]?: never };
} & ([KindOf<Node>] extends [never] ? Pick<Required<NodeSpec>, 'agent'> : KindSpecs<Node, Names>[KindOf<Node>]);

/** The properties that a node may have because of its kind. */
type KnownTo<Node, Names extends string> = keyof KindSpecs<Node, Names>[KindOf<Node>];

/** Refuses every name that is not one of those known. */
type OnlyNames<Given, Known> = { readonly [Key in Exclude<keyof Given, keyof Known>]: never };

/** The properties by which nodes are of a kind. */
type KindOf<Node> = Extract<keyof Node, KindProperty>;
type KindProperty = keyof KindSpecs<unknown, string>;

/** What a node takes, by the property that makes its kind. */
interface KindSpecs<Node, Names extends string> {
  readonly agent: Pick<Required<NodeSpec>, 'agent'> &
    OnlyKind<'agent'> &
    StepNode<PropertyOf<Node, 'agent'>, Node, Names>;
  readonly tool: Pick<Required<NodeSpec>, 'tool'> & OnlyKind<'tool'> & StepNode<PropertyOf<Node, 'tool'>, Node, Names>;
  readonly operation: OperationSpec<Names>;
  readonly condition: ConditionNode<Names>;
  readonly prompt: PromptSpec<Names>;
  readonly function: FunctionSpec<Names>;
  readonly parse: OutputParserSpec<Names>;
  readonly guardrail: GuardrailSpec<Names> & {
    readonly guardrail: OnlyNames<PropertyOf<Node, 'guardrail'>, GuardrailRules>;
  };
  readonly llm: LlmNodeSpec<Names>;
  readonly graph: SubGraphSpec<Names>;
  readonly each: EachSpec<Names>;
  readonly repeat: RepeatSpec<Names>;
  readonly approval: ApprovalSpec<InputSpec<Names>> & OnlyKind<'approval'>;
  readonly wait: WaitSpec<SourceSpec<Names>> & OnlyKind<'wait'>;
  readonly collect: CollectSpec<InputSpec<Names>> & OnlyKind<'collect'>;
  readonly child: ChildSpec<InputSpec<Names>> & OnlyKind<'child'>;
}

/** A node has the property of its own kind and of no other. */
type OnlyKind<Kind extends KindProperty> = { readonly [Other in Exclude<KindProperty, Kind>]?: never };

type PropertyOf<Node, Property extends string> = Node extends { readonly [Key in Property]: infer Value }
  ? Value
  : never;

type BranchNames<Node> = Node extends { readonly when: infer Branches } ? keyof Branches : never;

interface ConditionNode<Names extends string> extends OnlyKind<'condition'> {
  readonly condition: ConditionSpec<Names>;
  readonly input?: never;
  readonly budget?: never;
}

/** Values by name, or a pointer to an object of them. */
type InputSpec<Names extends string> = PointerTo<Names> | Readonly<Record<string, SourceSpec<Names>>>;

interface OperationSpec<Names extends string> extends OnlyKind<'operation'> {
  /** The name of an operation, which is the node's tool: `tasks.list`. */
  readonly operation: `${string}.${string}`;
  readonly input?: InputSpec<Names>;
  readonly budget?: Partial<NodeBudget>;
}

interface PromptSpec<Names extends string> extends OnlyKind<'prompt'> {
  /** A template of at most 20,000 characters, where `{{name}}` stands for the input of that name. */
  readonly prompt: string;
  readonly input?: InputSpec<Names>;
  readonly budget?: never;
}

interface FunctionSpec<Names extends string> extends OnlyKind<'function'> {
  /** A JMESPath expression of at most 2,000 characters over the input. */
  readonly function: string;
  readonly input?: InputSpec<Names>;
  readonly budget?: never;
}

/** The input of a node that reads a text. */
interface TextSpec<Names extends string> {
  readonly input: PointerTo<Names> | { readonly text: SourceSpec<Names> };
  readonly budget?: never;
}

interface OutputParserSpec<Names extends string> extends TextSpec<Names>, OnlyKind<'parse'> {
  /** The form that the text is expected in. */
  readonly parse: ParseFormat;
  /** For `regex`: RE2 syntax of at most 500 characters, with a named group for each value. */
  readonly pattern?: string;
  /** The names that the output must have. @defaultValue none */
  readonly fields?: readonly string[];
}

interface GuardrailSpec<Names extends string> extends TextSpec<Names>, OnlyKind<'guardrail'> {
  /** At least one rule. Together they have at most 500 words and phrases of at most 200 characters. */
  readonly guardrail: GuardrailRules;
}

/** The properties of nodes that run an inner graph: their input becomes the inner task's. */
interface ContainerSpec<Names extends string> {
  readonly input?: InputSpec<Names>;
  readonly budget?: never;
}

interface SubGraphSpec<Names extends string> extends ContainerSpec<Names>, OnlyKind<'graph'> {
  /** Run once; its output is the node's output. */
  readonly graph: Graph;
}

interface LlmNodeSpec<Names extends string> extends OnlyKind<'llm'> {
  /** Thinks; its output is `{ text }`, or what its `output` says. */
  readonly llm: LlmSpec<Names>;
  /** What the model is given: a text as it is, anything else as JSON. */
  readonly input?: InputSpec<Names>;
  readonly budget?: never;
}

interface EachSpec<Names extends string> extends ContainerSpec<Names>, OnlyKind<'each'> {
  /** Run for every item, with `item` and `index` added to `input`; the node's output is the list of outputs. */
  readonly each: Graph;
  /** A list of at most 1,000 items. */
  readonly items: SourceSpec<Names>;
  /** How many items run at once: 1 to 16. @defaultValue 4 */
  readonly width?: number;
}

interface RepeatSpec<Names extends string> extends ContainerSpec<Names>, OnlyKind<'repeat'> {
  /** Run repeatedly, with `iteration` (from 0) and `previous`, the last output, added to `input`. */
  readonly repeat: Graph;
  /** Ends the rounds when it holds for the last output, which becomes the node's output. */
  readonly until: UntilSpec;
  /** The most rounds, after which the node fails: 1 to 500. @defaultValue 10 */
  readonly most?: number;
}

/** `input` may be left out only where the handler needs none of its properties. */
type StepNode<Step, Node, Names extends string> = { readonly budget?: Partial<NodeBudget> } & ([
  RequiredKeys<HandlerInput<Step>>,
] extends [never]
  ? { readonly input?: CheckedInput<HandlerInput<Step>, Node, Names> }
  : { readonly input: CheckedInput<HandlerInput<Step>, Node, Names> });

type CheckedInput<Input, Node, Names extends string> = PointerTo<Names> | CheckedFields<Input, GivenInput<Node>, Names>;

/** Each required property needs a source, each optional one may have one, and no other name may. */
type CheckedFields<Input, Given, Names extends string> = RequiredFields<Input, Names> & {
  readonly [Key in Exclude<keyof Given, AllKeys<Input>>]: never;
} & { readonly [Key in keyof Given]: SourceSpec<Names> };

/** Distributes over a union: the sources need to suit only one of its members. */
type RequiredFields<Input, Names extends string> = Input extends unknown
  ? { readonly [Key in RequiredKeys<Input>]: SourceSpec<Names> }
  : never;

type GivenInput<Node> = Node extends { readonly input: infer Given }
  ? Given extends string
    ? unknown
    : Given
  : unknown;

/** A handler's input before its schema fills in defaults. */
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
  /** The schema of a task's input, stored with the graph as JSON Schema if the schema's library can write that. */
  readonly input: Input;
  /** The property of the input that receives a submitted document's text. @defaultValue none: takes no document */
  readonly document?: AllKeys<SchemaValue<Input>> & string;
  /** The nodes by id: a letter, then up to 63 letters, digits and hyphens. At most 200. */
  readonly nodes: Nodes & CheckedNodes<Nodes>;
  /** One pointer to the whole output, or sources by the names of the output's properties. */
  readonly output: PointerTo<keyof Nodes & string> | Readonly<Record<string, SourceSpec<keyof Nodes & string>>>;
}
