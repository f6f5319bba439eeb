import type { Json, JsonObject } from '../json.ts';
import type { HandlerLimits } from '../limits/handler-limits.ts';
import type { HandlerMessages, Receive } from '../messaging/received-message.ts';
import type { DoubtPolicy, ThinkingLimits } from '../thinking/thinking-limits.ts';
import type { ToolTraits } from '../tools/governed-tool.ts';
import type { ToolSourceReference } from '../tools/tool-source.ts';
import type { HandlerLog } from './handler-log.ts';
import type { RetryPolicy } from './retry-policy.ts';

/**
 * A schema: the Standard Schema interface, which Zod, Valibot, ArkType and others implement. `jsonSchema` (Standard
 * JSON Schema) is used to store a schema as data.
 */
export interface Schema<Value> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Value> | Promise<SchemaResult<Value>>;
    readonly types?: { readonly input: unknown; readonly output: Value } | undefined;
    readonly jsonSchema?: {
      readonly input: (options: {
        target: 'draft-2020-12';
        libraryOptions?: Record<string, unknown> | undefined;
      }) => Record<string, unknown>;
    };
  };
}
export type SchemaResult<Value> =
  | { readonly value: Value; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };
export interface SchemaIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/** The type of a schema's values. */
export type SchemaValue<S> = S extends Schema<infer Value> ? Value : never;

/** One effect on the outside world, done once however often the handler runs. */
export interface EffectRequest<Result extends Json> {
  /** The request. It is hashed, so that the same step with another request is refused instead of answered wrongly. */
  readonly request: Json;
  /** Performs the effect. `idempotencyKey` is the same on every repetition: pass it to any service that accepts one. */
  readonly call: (idempotencyKey: string) => Promise<Result>;
  /**
   * What to do when an earlier attempt died between the call and its record. `repeat` calls again with the same key,
   * which is right if the other side recognizes the key. `stop` fails the run as `effect_in_doubt`, which is right if
   * it does not.
   */
  readonly whenInDoubt: 'repeat' | 'stop';
}

/** The second argument of a handler. */
export interface HandlerContext {
  readonly tenant: string;
  readonly taskId: string;
  readonly traceId: string;
  readonly nodeId: string;
  /** The agent itself, or the thinking agent that calls the tool; null for the tool of a node. */
  readonly agent: string | null;
  /** 1 on the first try. */
  readonly attempt: number;
  /** Aborts at the attempt's timeout, on cancellation and when the worker shuts down. Pass it on. */
  readonly signal: AbortSignal;
  /** The models that this worker can call, by their names in the file of `MUSTER_MODELS`; empty without one. */
  readonly models: readonly string[];
  /**
   * Reports progress. A handler of a slow node may add details for the Web UI: plain JSON of at most 65,536 characters.
   * @throws HandlerCallInvalid
   */
  heartbeat(details?: Json): void;
  /**
   * Performs an effect once per (task, node, step): a repetition, by a further attempt or after a redrive that keeps
   * effects, returns the first result without a call. Two simultaneous requests of a step make one call. The result
   * must be plain JSON: otherwise the effect is recorded as done and the node fails.
   * @throws EffectInDoubt, EffectConflict, EffectResultInvalid, HandlerCallInvalid, StaleFence
   */
  effect<Result extends Json>(step: string, effect: EffectRequest<Result>): Promise<Result>;
  /**
   * Stores bytes or text as an artifact of the task and returns its id; the same name again replaces nothing. Name and
   * media type have 1 to 500 characters. @throws HandlerCallInvalid, StaleFence
   */
  writeArtifact(artifact: { name: string; mediaType: string; content: string | Uint8Array }): Promise<string>;
  /** Rate limits. An exhausted limit makes the node wait without failing: see {@link HandlerLimits}. */
  readonly limits: HandlerLimits;
  /** Messages to other agents: see {@link HandlerMessages}. */
  readonly messages: HandlerMessages;
  readonly log: HandlerLog;
}

/** What makes an agent a thinking one, complete: see `ThinkingOptions`. */
export interface Thinking {
  /** The first that the worker's settings have is called. At least one. */
  readonly models: readonly [string, ...string[]];
  readonly instructions: string | ((input: never) => string);
  /** Absent: what the settings say. */
  readonly temperature?: number | ((input: never) => number);
  /** The length of one answer, in tokens. Absent: what the settings say. */
  readonly maxTokens?: number;
  readonly tools: readonly Handler[];
  /** Whose tools it may call besides. */
  readonly sources: readonly ToolSourceReference[];
  readonly limits: ThinkingLimits;
  readonly whenInDoubt: DoubtPolicy;
  /** JSON Schema of the answer; null for an agent whose output is text. */
  readonly outputSchema: JsonObject | null;
}

/** The code behind an agent or a tool, hosted by a worker process. The traits are those of a tool. */
export interface Handler<Input = unknown, Output = unknown> extends Partial<ToolTraits> {
  readonly kind: 'agent' | 'tool';
  readonly name: string;
  readonly description: string;
  /** Roles and capabilities by which others find an agent. Empty for a tool. */
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  readonly input: Schema<Input>;
  readonly output: Schema<Output>;
  /** See GraphNode.quick. Default false. */
  readonly quick: boolean;
  /** How it is retried, and how long it may wait for limits. */
  readonly retry: RetryPolicy;
  // A method, not a property, so that a typed handler fits into a list of handlers.
  handle(input: Input, context: HandlerContext): Promise<Output> | Output;
  /** Handles the messages of an agent; without it, the agent takes none. */
  readonly receive?: Receive;
  /** The SHA-256 of name, description and schema of a tool that can change while its worker runs. */
  readonly digest?: string;
  /** How the workflow drives a thinking agent, whose `handle` is never called; absent for any other handler. */
  readonly thinking?: Thinking;
}
