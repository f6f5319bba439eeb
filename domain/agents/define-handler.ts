import { MusterError } from '../errors.ts';
import { NAME_PATTERN } from '../graphs/names.ts';
import { nameOf } from '../graphs/read-unknown.ts';
import type { Receive } from '../messaging/received-message.ts';
import { schemaFault, type ThinkingOptions, thinkingFaults, thinkingOf } from '../thinking/define-thinking.ts';
import { type ToolTraits, toolTraits, traitFaults } from '../tools/governed-tool.ts';
import type { Handler, HandlerContext, Schema, SchemaValue } from './handler.ts';
import { type RetryPolicy, retryFaults, retryPolicyOf } from './retry-policy.ts';

/**
 * Defines an agent: a named participant that nodes of graphs can use and whose code a worker hosts. It has either
 * `handle`, whose types follow from the schemas, or `model` and `instructions`: then it is a thinking agent, and the
 * workflow calls its model and its tools until there is an output. The result is frozen.
 *
 * @throws HandlerDefinitionInvalid naming every fault of the definition.
 */
export function defineAgent<Input extends Schema<unknown>, Output extends Schema<unknown>>(
  options: AgentOptions<Input, Output> | ThinkingAgentOptions<Input, Output>,
): DefinedHandler<'agent', Input, Output> {
  return 'model' in options
    ? defineThinkingAgent(options)
    : defineHandler('agent', options as Definition<Input, Output>);
}

/** The definition of a thinking agent. */
export type ThinkingAgentOptions<Input extends Schema<unknown>, Output extends Schema<unknown>> = Omit<
  AgentOptions<Input, Output>,
  'handle' | 'quick'
> &
  ThinkingOptions<Input> & { readonly handle?: never };

function defineThinkingAgent<Input extends Schema<unknown>, Output extends Schema<unknown>>(
  options: ThinkingAgentOptions<Input, Output>,
): DefinedHandler<'agent', Input, Output> {
  const { name, output } = options;
  const faults = [...thinkingFaults({ ...options }), ...(isSchema(output) ? schemaFault(output, 'Its output') : [])];
  if ('handle' in options) faults.unshift('An agent has either handle or model, not both.');
  const handle = () => {
    throw new Error(`The thinking agent ${name} is carried out by its workflow.`);
  };
  const handled = defineHandler('agent', { ...options, handle }, faults);
  return Object.freeze({ ...handled, thinking: thinkingOf(options as ThinkingOptions<Schema<unknown>>, output) });
}

/**
 * Defines a tool: code that a node runs without being a participant; it has no heartbeat and gets no messages.
 * The types of `handle` follow from the schemas. The result is frozen.
 *
 * @throws HandlerDefinitionInvalid naming every fault of the definition.
 */
export function defineTool<Input extends Schema<unknown>, Output extends Schema<unknown>>(
  options: ToolOptions<Input, Output>,
): DefinedHandler<'tool', Input, Output> & ToolTraits {
  const { risk, effect, timeoutMs, ...handler } = options;
  const faults = traitFaults({ risk, effect, timeoutMs });
  const handled = defineHandler('tool', handler as Definition<Input, Output>, faults);
  return Object.freeze({ ...handled, ...toolTraits(options) });
}

/** The definition of a tool. What agents may do with it depends on its class: a tool without one is high risk. */
export interface ToolOptions<Input extends Schema<unknown>, Output extends Schema<unknown>>
  extends HandlerOptions<Input, Output>,
    Partial<ToolTraits> {}

/** The definition of an agent or a tool. */
export interface HandlerOptions<Input extends Schema<unknown>, Output extends Schema<unknown>> {
  /** Unique among the agents, or the tools, of a worker: a lower-case letter, then up to 63 of a–z, 0–9 and hyphen. */
  readonly name: string;
  /** One sentence for people: shown as the objective of its nodes. @defaultValue '' */
  readonly description?: string;
  /** Parses the node's input before `handle` gets it. */
  readonly input: Input;
  /** Parses what `handle` returns, before it is stored and read by other nodes. */
  readonly output: Output;
  /** See {@link GraphNode.quick}; a slow handler with `quick` delays its whole trace. @defaultValue false */
  readonly quick?: boolean;
  /** How it is tried again after a failure, and how long it may wait for limits. @defaultValue see {@link RetryPolicy} */
  readonly retry?: Partial<RetryPolicy>;
  /**
   * Does the work. May run again with the same input after a crash or a failure; anything that must happen only once
   * belongs in `context.effect`.
   */
  readonly handle: HandleOf<Input, Output>;
}

/**
 * What `handle` is for these schemas. A conditional type, since those are what the compiler works out before it looks at a
 * function: a text of an enum that `handle` returns then has its own type, and not that of any text.
 */
type HandleOf<Input extends Schema<unknown>, Output extends Schema<unknown>> = [Output] extends [Schema<infer Value>]
  ? (input: SchemaValue<Input>, context: HandlerContext) => Promise<Returned<Value>> | Returned<Value>
  : never;

/** For the compiler all values, and still a reason to keep literals, as long as it does not know the schema. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing fits where anything does.
type Returned<Value> = unknown extends Value ? NonNullable<unknown> | null | undefined | void | Literals : Value;
type Literals = '' | 0 | boolean | Literals[] | { [name: string]: Literals };

/** The properties that only agents have. */
export interface AgentOptions<Input extends Schema<unknown>, Output extends Schema<unknown>>
  extends HandlerOptions<Input, Output> {
  /**
   * Its roles, `reviewer` for example, by which others find it: at most 20 words in the form of names.
   * @defaultValue none
   */
  readonly roles?: readonly string[];
  /** What it can do, `summarise` for example, in the form of `roles`. @defaultValue none */
  readonly capabilities?: readonly string[];
  /**
   * Handles a message that another agent or a program sent it; what it returns is the answer. Delivered at least once, so
   * what must happen only once is done under the message's id. @defaultValue takes no messages
   */
  readonly receive?: Receive;
}

/** A handler with its kind and the types of its schemas. */
export type DefinedHandler<
  Kind extends Handler['kind'],
  Input extends Schema<unknown>,
  Output extends Schema<unknown>,
> = Omit<Handler<SchemaValue<Input>, SchemaValue<Output>>, 'kind' | 'input' | 'output'> & {
  readonly kind: Kind;
  readonly input: Input;
  readonly output: Output;
};

/** A handler of any types without its code. */
export type HandlerReference = Pick<
  Handler,
  'kind' | 'name' | 'description' | 'quick' | 'input' | 'output' | 'thinking'
>;

/** The definition of an agent or a tool is invalid. Thrown by the definition, before anything runs. */
export class HandlerDefinitionInvalid extends MusterError {
  readonly code = 'handler_definition_invalid';

  constructor(kind: Handler['kind'], name: string, faults: readonly string[]) {
    super(`The ${kind} ${name} cannot be defined. ${faults.join(' ')}`, { kind, name, faults: faults.length });
  }
}

/** A definition whose schemas are some, but not known ones. */
type Definition<Input extends Schema<unknown>, Output extends Schema<unknown>> = Omit<
  AgentOptions<Input, Output>,
  'handle'
> & { readonly handle: Handler<SchemaValue<Input>, SchemaValue<Output>>['handle'] };

/** Checks and freezes a handler; throws {@link HandlerDefinitionInvalid} with every fault. */
function defineHandler<Kind extends Handler['kind'], Input extends Schema<unknown>, Output extends Schema<unknown>>(
  kind: Kind,
  options: Definition<Input, Output>,
  more: readonly string[] = [],
): DefinedHandler<Kind, Input, Output> {
  const faults = [...handlerFaults(options), ...more];
  if (faults.length > 0) throw new HandlerDefinitionInvalid(kind, nameOf(options.name), faults);
  const { name, description = '', input, output, quick = false, handle } = options;
  const roles = Object.freeze([...(options.roles ?? [])]);
  const capabilities = Object.freeze([...(options.capabilities ?? [])]);
  const mailbox = options.receive === undefined ? {} : { receive: options.receive };
  const retry = retryPolicyOf(options.retry);
  return Object.freeze({
    kind,
    name,
    description,
    roles,
    capabilities,
    input,
    output,
    quick,
    retry,
    handle,
    ...mailbox,
  });
}

function handlerFaults(options: Definition<Schema<unknown>, Schema<unknown>>): readonly string[] {
  // Checks the types for callers in plain JavaScript.
  const given: Partial<Record<keyof typeof options, unknown>> = options;
  const { name, description, roles, capabilities, input, output, quick, retry, handle, receive } = given;
  const faults: string[] = [];
  const expect = (holds: boolean, what: string, found: unknown) => {
    if (!holds) faults.push(`Expected ${what}, found ${nameOf(found)}.`);
  };
  expect(typeof name === 'string' && NAME_PATTERN.test(name), `a name like ${NAME_PATTERN.source}`, name);
  expect(description === undefined || typeof description === 'string', 'text as description', description);
  expect(areWords(roles), `at most ${MAX_WORDS} words like ${NAME_PATTERN.source} as roles`, roles);
  expect(areWords(capabilities), `at most ${MAX_WORDS} such words as capabilities`, capabilities);
  expect(isSchema(input), 'a Standard Schema as input, one of Zod for example', input);
  expect(isSchema(output), 'a Standard Schema as output, one of Zod for example', output);
  expect(quick === undefined || typeof quick === 'boolean', 'true or false as quick', quick);
  expect(typeof handle === 'function', 'a function as handle', handle);
  faults.push(...retryFaults(retry));
  expect(receive === undefined || typeof receive === 'function', 'a function as receive', receive);
  return faults;
}

/** Roles, and capabilities, of one agent. */
const MAX_WORDS = 20;

function areWords(value: unknown): boolean {
  if (value === undefined) return true;
  if (!Array.isArray(value) || value.length > MAX_WORDS) return false;
  return value.every((word) => typeof word === 'string' && NAME_PATTERN.test(word));
}

/** Whether a value implements the Standard Schema interface. Some libraries' schemas are functions. */
export function isSchema(value: unknown): value is Schema<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  if (!('~standard' in value)) return false;
  const standard = value['~standard'];
  return typeof standard === 'object' && standard !== null && 'validate' in standard;
}
