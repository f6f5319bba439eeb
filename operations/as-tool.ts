import type { HandlerReference } from '../domain/agents/define-handler.ts';
import { HandlerDefinitionInvalid } from '../domain/agents/define-handler.ts';
import type { Handler, HandlerContext, Schema } from '../domain/agents/handler.ts';
import { DEFAULT_RETRY } from '../domain/agents/retry-policy.ts';
import { answering } from '../domain/agents/thrown.ts';
import type { TaskId, TenantId } from '../domain/ids.ts';
import { isJsonObject, type Json, notJson, toJson } from '../domain/json.ts';
import { toolTraits } from '../domain/tools/governed-tool.ts';
import { callOperation } from './call.ts';
import type { Caller, Permission } from './caller.ts';
import type { Operation } from './define.ts';
import { InputInvalid } from './operation-errors.ts';
import { type InputOf, OPERATIONS, type OperationName, operationNamed } from './register.ts';
import type { Stores } from './stores.ts';

/** An operation as the tool of a node. */
export type OperationTool<Name extends OperationName> = Omit<HandlerReference, 'kind' | 'input'> & {
  readonly kind: 'tool';
  readonly input: Schema<InputOf<Name>>;
};

/** The operation itself reads its input, and says what is wrong with it. */
const ANYTHING: Schema<unknown>['~standard'] = { version: 1, vendor: 'muster', validate: (value) => ({ value }) };

/** One for each name, so that two graphs with the same operation mean the same tool. */
const tools = new Map<string, Handler>();

/**
 * An operation as the tool of a node: `tool: operation('limits.take')`. The node calls it for the task's tenant, and may
 * call this operation and no other. One that changes something is done once per task and node, as an effect is; where an
 * attempt died during the call, it is called again.
 *
 * @throws HandlerDefinitionInvalid for a name that no operation has
 */
export function operation<const Name extends OperationName>(name: Name): OperationTool<Name> {
  const known = operationNamed(name);
  if (known === undefined) throw new HandlerDefinitionInvalid('tool', name, ['There is no operation of this name.']);
  const tool = tools.get(name) ?? referenceTo(known);
  tools.set(name, tool);
  // Its input is whatever the operation takes: the type says what that is.
  return tool as Handler & OperationTool<Name>;
}

function referenceTo({ name, summary, risk, effect, input: fields, once, inputSchema }: Operation): Handler {
  const input = { '~standard': { ...ANYTHING, jsonSchema: { input: inputSchema } } };
  const isKeyed = once === 'key' || 'key' in fields;
  return Object.freeze({
    ...{ kind: 'tool' as const, name, description: summary, roles: [], capabilities: [], quick: false },
    ...toolTraits({ risk, effect: effect === 'read' ? 'none' : isKeyed ? 'keyed' : 'natural' }),
    ...{ input, output: { '~standard': ANYTHING }, retry: DEFAULT_RETRY },
    handle: () => {
      throw new Error(`The operation ${name} is carried out by a worker only.`);
    },
  });
}

/** What a node may do that has this operation as its tool; null for a name that no operation has. */
export function permissionOf(name: string): Permission | null {
  return operationNamed(name)?.permission ?? null;
}

/** The same handlers with every operation as a tool: these work on the stores. */
export function withOperations(handlers: ReadonlyMap<string, Handler>, stores: Stores): ReadonlyMap<string, Handler> {
  const operations = OPERATIONS.map((known) => [`tool:${known.name}`, referenceTo(known)] as const);
  return new Map([...operations, ...handlers].map(([key, handler]) => [key, operationTool(handler, stores)]));
}

function operationTool(handler: Handler, stores: Stores): Handler {
  const called = handler.kind === 'tool' ? operationNamed(handler.name) : undefined;
  if (called === undefined) return handler;
  return Object.freeze({
    ...handler,
    handle: (input: unknown, context: HandlerContext) => answering(() => carryOut(called, { stores, context }, input)),
  } satisfies Handler);
}

/** Calls the operation as the node, which is granted what this one operation needs. @throws what the operation throws */
async function carryOut(
  called: Operation,
  { stores, context }: { readonly stores: Stores; readonly context: HandlerContext },
  input: unknown,
): Promise<Json> {
  const caller: Caller = {
    kind: 'agent',
    name: `${context.taskId}/${context.nodeId}`,
    // The task's row has it.
    tenant: context.tenant as TenantId,
    permissions: new Set([called.permission]),
    task: context.taskId as TaskId,
    ...(context.agent === null ? {} : { agent: context.agent }),
  };
  const call = async (given: unknown, under: { readonly key?: string } = {}) =>
    answerOf(called, await callOperation(called, { caller, stores, ...under }, given));
  if (called.effect === 'read') return call(input);
  const request = toJson(input ?? null);
  if (!request.ok) throw new InputInvalid(notJson(request));
  return context.effect('operation', {
    request: request.value,
    call: (key) => (called.once === 'key' ? call(request.value, { key }) : call(keyed(called, request.value, key))),
    whenInDoubt: 'repeat',
  });
}

/** An operation whose input has a key is given the effect's, unless the graph names one. */
function keyed({ input: fields }: Operation, given: Json, key: string): unknown {
  return 'key' in fields && isJsonObject(given) && given.key === undefined ? { ...given, key } : given;
}

function answerOf({ name }: Operation, answer: unknown): Json {
  const json = toJson(answer ?? null);
  if (!json.ok) throw new Error(`The answer of ${name} cannot be kept: ${notJson(json)}`);
  return json.value;
}
