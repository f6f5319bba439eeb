import type { Json, JsonObject } from '../json.ts';
import type { DoubtPolicy, ThinkingLimits } from '../thinking/thinking-limits.ts';
import type { ConnectionType, ContainerKind, NodeKind, Outcome, ParseFormat, WaitingKind } from './kinds.ts';

/**
 * Where one input comes from. A pointer (RFC 6901) reads the document `{ "task": <the task's input>, "nodes": { "<node
 * id>": <its output> } }`; `first` reads several and takes the first value that there is, for what one of two ways has
 * brought. `optional` gives null if a tolerated failure or a skipped branch left no value. A literal is taken as it is.
 */
export type InputSource =
  | { readonly pointer: string; readonly optional?: boolean }
  | { readonly first: readonly string[]; readonly optional?: boolean }
  | { readonly value: Json };

/** Inputs by name, or one source for the whole input. */
export type InputMapping = { readonly fields: Readonly<Record<string, InputSource>> } | { readonly whole: InputSource };

/** The limits of one node. */
export interface NodeBudget {
  /** Longest time of one attempt, in milliseconds: 1 to 300,000. */
  readonly timeoutMs: number;
  /** Further attempts after the first: 0 to 3. A crash of the worker does not use one up. */
  readonly maxRetries: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** An edge, from the side of the node that waits. */
export interface Dependency {
  readonly node: string;
  /** A required dependency that fails or is skipped skips this node; an optional one only has to have ended. */
  readonly required: boolean;
  /** For a condition node: the outcome that takes this branch. */
  readonly when?: Outcome;
  /**
   * `fallback`: this node runs only if one of the nodes of which it is a fallback failed, and their failures are tolerated.
   * `guard`: the source is a guardrail, which has to pass. `tool`: this node is bound as a tool to the llm that it waits for,
   * and runs no code of its own: once the llm has ended, it says how often it was called. Absent from any other.
   */
  readonly type?: Exclude<ConnectionType, 'default' | 'condition'>;
}

/** Whether a node runs in the place of others that failed. */
export function isFallback({ dependsOn }: Pick<GraphNode, 'dependsOn'>): boolean {
  return dependsOn.some(({ type }) => type === 'fallback');
}

/** The type of the edge that a dependency stands for. */
export function connectionTypeOf({ type, when }: Dependency): ConnectionType {
  return type ?? (when === undefined ? 'default' : 'condition');
}

/**
 * Comparisons of a condition. Numbers compare as numbers, strings by code unit; only `exists` accepts a missing value.
 */
export const COMPARISONS = ['equals', 'notEquals', 'lt', 'lte', 'gt', 'gte', 'contains', 'exists', 'truthy'] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** A predicate over the same document that inputs are read from. */
export type Condition =
  | { readonly pointer: string; readonly is: Comparison; readonly value?: Json }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

/** The fields of every node. Further fields depend on its kind: see `kinds/`. */
interface NodeBase<Kind extends NodeKind> {
  readonly id: string;
  readonly kind: Kind;
  readonly objective: string;
  readonly dependsOn: readonly Dependency[];
}

/** A node that calls a handler: the agent or tool of that name. */
interface HandlerNode<Kind extends 'agent' | 'tool'> extends NodeBase<Kind> {
  readonly handler: string;
  /** Ends well within a second without waiting for anything outside: runs as part of a stretch in one activity. */
  readonly quick: boolean;
  readonly input: InputMapping;
  readonly budget: NodeBudget;
  /** Whether its agent is a thinking one; absent for any other. */
  readonly thinks?: true;
}

export type AgentNode = HandlerNode<'agent'>;
export type ToolNode = HandlerNode<'tool'>;

/** A node that decides which branch is taken. */
export interface ConditionNode extends NodeBase<'condition'> {
  readonly condition: Condition;
}

/** A node that makes its output of its input alone. */
interface PureNode<Kind extends NodeKind> extends NodeBase<Kind> {
  readonly input: InputMapping;
}

/** Puts its input into a template. */
export interface PromptNode extends PureNode<'prompt'> {
  /** `{{name}}` stands for the input of that name. At most 20,000 characters. */
  readonly prompt: string;
}

/** Makes its output by an expression over its input. */
export interface FunctionNode extends PureNode<'function'> {
  /** JMESPath. At most 2,000 characters. */
  readonly function: string;
}

/** Reads a text, that of a model for example, as data. */
export interface OutputParserNode extends PureNode<'output-parser'> {
  readonly parse: ParseFormat;
  /** The regular expression (RE2) of the format `regex`, whose named groups are the output; null for any other. */
  readonly pattern: string | null;
  /** The names that the output must have. */
  readonly fields: readonly string[];
}

/** Lets a text pass, or fails. */
export interface GuardrailNode extends PureNode<'guardrail'> {
  /** The model of its judge: what a worker needs to carry it out. Absent without a judge. */
  readonly handler?: string;
  readonly guardrail: GuardrailRules;
}

/** Lists of words and phrases by the name of their topic. */
export type Topics = Readonly<Record<string, readonly string[]>>;

/** A question to which a model answers whether a text passes. */
export interface JudgeRule {
  /** A name of the installation's models. */
  readonly model: string;
  /** At most 2,000 characters. */
  readonly question: string;
}

/** What a guardrail holds a text to: at least one rule. */
export interface GuardrailRules {
  /** Words and phrases that the text must not have. */
  readonly bannedPhrases?: readonly string[];
  /** Topics that it must not be about: it has none of their words and phrases. */
  readonly prohibitedTopics?: Topics;
  /** Topics one of which it must be about: it has at least one of their words and phrases. */
  readonly serviceBoundaries?: Topics;
  /** A model that is asked about a text that no other rule has stopped. */
  readonly judge?: JudgeRule;
}

/** What an llm is told, and how far it may go: see docs/agents.md. */
export interface LlmOptions {
  /** Told before the input. `{{name}}` stands for a property of the input. */
  readonly instructions: string;
  /** 0 to 2. @defaultValue what the model's settings say */
  readonly temperature?: number;
  /** The length of one answer, in tokens. @defaultValue what the model's settings say */
  readonly maxTokens?: number;
  /** The operations that it may call. Tools of its graph are bound to it by dependencies of the type `tool`. */
  readonly operations: readonly string[];
  /** The JSON Schema of its answer; null for text, which becomes `{ text }`. */
  readonly output: JsonObject | null;
  readonly limits: Partial<ThinkingLimits>;
  /** @defaultValue 'repeat' */
  readonly whenInDoubt?: DoubtPolicy;
}

/** A thinking agent that lives in the graph and needs no code of a worker. Its name is `<graph>.<node>`. */
export interface LlmNode extends NodeBase<'llm'> {
  /** The name of its model: what a worker needs to carry it out. */
  readonly handler: string;
  readonly input: InputMapping;
  readonly llm: LlmOptions;
}

/** The fields of every container: a node that runs an inner graph, in the same trace, under its own path. */
interface ContainerBase<Kind extends ContainerKind> extends NodeBase<Kind> {
  readonly graph: GraphDefinition;
  /** The source of the inner graph's task input, to which the kind may add. */
  readonly input: InputMapping;
}

/** Runs its inner graph once: the node's input is the inner task's input, the inner output is the node's output. */
export type SubGraphNode = ContainerBase<'sub-graph'>;

/** Runs its inner graph for every element of a list. */
export interface EachNode extends ContainerBase<'each'> {
  readonly items: InputSource;
  /** How many elements run at once: 1 to 16. */
  readonly width: number;
}

/** Runs its inner graph until a condition holds. */
export interface RepeatNode extends ContainerBase<'repeat'> {
  /** Over the document `{ "output": <the last round's output> }`. */
  readonly until: Condition;
  /** After how many rounds it fails: 1 to 500. */
  readonly most: number;
}

/** The fields of every node that waits. */
interface WaitingBase<Kind extends WaitingKind> extends NodeBase<Kind> {
  readonly input: InputMapping;
  /** After so many milliseconds it fails. Absent for one that waits however long it takes. */
  readonly expiresMs?: number;
}

/** Waits until a person approves. */
export interface ApprovalNode extends WaitingBase<'approval'> {
  /** What is asked, for people. */
  readonly asks: string;
  readonly expiresMs: number;
}

/** What a `wait` waits for. */
export const AWAITED = ['message', 'event', 'time'] as const;

/** Waits for a message to its task, an event, or a time. Its input: the `key` of an event; `until` or `afterMs` of a time. */
export interface WaitNode extends WaitingBase<'wait'> {
  readonly for: (typeof AWAITED)[number];
  /** Of the message or the event. */
  readonly name?: string;
}

/** What an entity collector asks for. */
export interface EntityRule {
  readonly name: string;
  /** For who answers. */
  readonly description: string;
  readonly required: boolean;
  /** A regular expression of RE2 that the value's text must match. */
  readonly pattern?: string;
}

/** Waits until all that is required is known: what its input has by name, and what is answered. */
export interface EntityCollectorNode extends WaitingBase<'entity-collector'> {
  readonly entities: readonly EntityRule[];
}

export type ContainerNode = SubGraphNode | EachNode | RepeatNode;
type TextNode = PromptNode | FunctionNode | OutputParserNode | GuardrailNode;
/** Runs a graph as a task of its own, and waits for its end. */
export interface ChildNode extends WaitingBase<'child'> {
  /** The graph whose active version is submitted. */
  readonly graphName: string;
}

export type WaitingNode = ApprovalNode | WaitNode | EntityCollectorNode | ChildNode;
export type GraphNode = AgentNode | ToolNode | ConditionNode | TextNode | LlmNode | ContainerNode | WaitingNode;

/** The dependencies of the nodes' `dependsOn` as separate rows; validation checks that both agree. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly type: ConnectionType;
}

/** A graph as data, which is validated, stored as rows, hashed and interpreted. */
export interface GraphDefinition {
  readonly version: string;
  readonly name: string;
  readonly description: string;
  /** How many nodes may run at once, 1 to 16. */
  readonly width: number;
  /** JSON Schema of the task's input; null accepts any object. */
  readonly inputSchema: JsonObject | null;
  /** Name of the input property that takes a submitted document's text; null when the graph takes none. */
  readonly documentProperty: string | null;
  /** The source of the task's output when the trace ends. */
  readonly output: InputMapping;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}
