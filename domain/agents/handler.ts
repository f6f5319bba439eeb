import type { Json } from '../json.ts';
import type { HandlerLimits } from '../limits/handler-limits.ts';
import type { HandlerMessages, Receive } from '../messaging/received-message.ts';
import type { HandlerLog } from './handler-log.ts';
import type { RetryPolicy } from './retry-policy.ts';

/**
 * What Muster asks of a schema: the Standard Schema interface, which Zod, Valibot, ArkType and others implement.
 * `jsonSchema` (Standard JSON Schema) is used where a schema has to be stored as data.
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

/** Reads the value type out of a schema. */
export type SchemaValue<S> = S extends Schema<infer Value> ? Value : never;

/** One effect on the outside world, done once however often the handler runs. */
export interface EffectRequest<Result extends Json> {
  /** What is asked for: hashed, so that the same step with another request is refused instead of answered wrongly. */
  readonly request: Json;
  /** Does it. `idempotencyKey` is the same on every repetition: pass it on to whatever accepts one. */
  readonly call: (idempotencyKey: string) => Promise<Result>;
  /**
   * What to do when an earlier attempt died between the call and its record. `repeat` calls again with the same key:
   * right when the other side knows the key. `stop` fails the run as `effect_in_doubt`: right when it does not.
   */
  readonly whenInDoubt: 'repeat' | 'stop';
}

/** What a handler is given besides its input. */
export interface HandlerContext {
  readonly tenant: string;
  readonly taskId: string;
  readonly traceId: string;
  readonly nodeId: string;
  /** 1 on the first try. */
  readonly attempt: number;
  /** Aborts at the attempt's timeout, on cancellation and when the worker shuts down. Pass it on. */
  readonly signal: AbortSignal;
  /**
   * Says that there is progress; a handler of a slow node may add details that the Web UI shows: plain JSON of at most
   * 65,536 characters. @throws HandlerCallInvalid
   */
  heartbeat(details?: Json): void;
  /**
   * Does an effect once per (task, node, step): a repetition, by a further attempt or after a redrive that keeps effects,
   * returns the first result without calling. The same step asked for twice at once is one call. The result must be plain
   * JSON: another one is recorded as happened, and fails the node.
   * @throws EffectInDoubt, EffectConflict, EffectResultInvalid, HandlerCallInvalid, StaleFence
   */
  effect<Result extends Json>(step: string, effect: EffectRequest<Result>): Promise<Result>;
  /**
   * Stores bytes or text as an artifact of the task and returns its id; the same name again replaces nothing. Name and
   * media type have 1 to 500 characters. @throws HandlerCallInvalid, StaleFence
   */
  writeArtifact(artifact: { name: string; mediaType: string; content: string | Uint8Array }): Promise<string>;
  /** How fast it may go. A limit that is used up makes the node wait without failing: see {@link HandlerLimits}. */
  readonly limits: HandlerLimits;
  /** Speaks to other agents: see {@link HandlerMessages}. */
  readonly messages: HandlerMessages;
  readonly log: HandlerLog;
}

/** The code behind an agent or a tool, hosted by a worker process. */
export interface Handler<Input = unknown, Output = unknown> {
  readonly kind: 'agent' | 'tool';
  readonly name: string;
  readonly description: string;
  /** What it is there for, and what it can do: words by which others find an agent. Empty for a tool. */
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  readonly input: Schema<Input>;
  readonly output: Schema<Output>;
  /** See GraphNode.quick. Default false. */
  readonly quick: boolean;
  /** How it is tried again, and how long it may wait for limits. */
  readonly retry: RetryPolicy;
  // A method, not a property: so that a typed handler fits into a list of handlers.
  handle(input: Input, context: HandlerContext): Promise<Output> | Output;
  /** Handles the messages of an agent; without it, the agent takes none. */
  readonly receive?: Receive;
}
