import { MusterError } from '../errors.ts';
import { NAME_PATTERN } from '../graphs/names.ts';
import { nameOf } from '../graphs/read-unknown.ts';
import type { Receive } from '../messaging/received-message.ts';
import type { Handler, HandlerContext, Schema, SchemaValue } from './handler.ts';
import { type RetryPolicy, retryFaults, retryPolicyOf } from './retry-policy.ts';

/** What an agent or a tool is made of. */
export interface HandlerOptions<Input extends Schema<unknown>, Output extends Schema<unknown>> {
  /** Unique among the agents, or the tools, of a worker: a lower-case letter, then up to 63 of a–z, 0–9 and hyphen. */
  readonly name: string;
  /** One sentence for people: shown as the objective of its nodes. @defaultValue '' */
  readonly description?: string;
  /** Parses what the node's sources give, before `handle` sees it. */
  readonly input: Input;
  /** Parses what `handle` returns, before it is stored and read by other nodes. */
  readonly output: Output;
  /** See {@link GraphNode.quick}; a slow handler that calls itself quick holds up its whole trace. @defaultValue false */
  readonly quick?: boolean;
  /** How it is tried again after a failure, and how long it may wait for limits. @defaultValue see {@link RetryPolicy} */
  readonly retry?: Partial<RetryPolicy>;
  /**
   * Does the work. May run again with the same input after a crash or a failure; what must happen only once belongs
   * into `context.effect`.
   */
  readonly handle: (
    input: SchemaValue<Input>,
    context: HandlerContext,
  ) => Promise<SchemaValue<Output>> | SchemaValue<Output>;
}

/** What an agent is made of besides. */
export interface AgentOptions<Input extends Schema<unknown>, Output extends Schema<unknown>>
  extends HandlerOptions<Input, Output> {
  /**
   * What it is there for, `reviewer` for example: words made like a name, at most 20, by which others find it.
   * @defaultValue none
   */
  readonly roles?: readonly string[];
  /** What it can do, `summarise` for example; as `roles`. @defaultValue none */
  readonly capabilities?: readonly string[];
  /**
   * Handles a message that another agent or a program sent it; what it returns is the answer. Delivered at least once, so
   * what must happen only once is done under the message's id. @defaultValue takes no messages
   */
  readonly receive?: Receive;
}

/** A handler that remembers its kind and the types of its schemas. */
export type DefinedHandler<
  Kind extends Handler['kind'],
  Input extends Schema<unknown>,
  Output extends Schema<unknown>,
> = Omit<Handler<SchemaValue<Input>, SchemaValue<Output>>, 'kind' | 'input' | 'output'> & {
  readonly kind: Kind;
  readonly input: Input;
  readonly output: Output;
};

/** A handler seen from outside, whatever it takes and gives: everything but the code. */
export type HandlerReference = Pick<Handler, 'kind' | 'name' | 'description' | 'quick' | 'input' | 'output'>;

/** An agent or a tool that is not made as it must be. Raised where it is defined, before anything runs. */
export class HandlerDefinitionInvalid extends MusterError {
  readonly code = 'handler_definition_invalid';
  readonly retryable = false;

  constructor(kind: Handler['kind'], name: string, faults: readonly string[]) {
    super(`The ${kind} ${name} cannot be defined. ${faults.join(' ')}`, { kind, name, faults: faults.length });
  }
}

/** Checks and freezes a handler; throws {@link HandlerDefinitionInvalid} with every fault. */
export function defineHandler<
  Kind extends Handler['kind'],
  Input extends Schema<unknown>,
  Output extends Schema<unknown>,
>(kind: Kind, options: AgentOptions<Input, Output>): DefinedHandler<Kind, Input, Output> {
  const faults = handlerFaults(options);
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

function handlerFaults(options: AgentOptions<Schema<unknown>, Schema<unknown>>): readonly string[] {
  // Callers in plain JavaScript are held to the types here.
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

/** Whether a value is a schema by the Standard Schema interface. Some libraries' schemas are functions. */
export function isSchema(value: unknown): value is Schema<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  if (!('~standard' in value)) return false;
  const standard = value['~standard'];
  return typeof standard === 'object' && standard !== null && 'validate' in standard;
}
