import type { Handler, Schema } from '../../domain/agents/handler.ts';
import { DEFAULT_RETRY } from '../../domain/agents/retry-policy.ts';
import { isBoundTo } from '../../domain/graphs/connections.ts';
import type { LlmNode, LlmOptions } from '../../domain/graphs/definition.ts';
import { fillTemplate } from '../../domain/graphs/kinds/prompt.ts';
import { graphOfRun } from '../../domain/graphs/scope.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { thinkingOf } from '../../domain/thinking/define-thinking.ts';
import { argumentsFault } from '../../domain/tools/argument-condition.ts';
import { nodeOfPath } from '../../domain/traces/path.ts';
import { HandlerUnknown } from '../handler-errors.ts';
import type { NodeActivity } from '../tasks/node-attempt.ts';
import type { ThinkingAgent } from './thinking-agent.ts';

/**
 * The thinking agent that an llm is: what is said of it stands in the graph, and every worker that has its model and its tools
 * can carry it out. It is granted tools under the name of its graph and its node.
 * @throws HandlerUnknown where this worker does not have one of its tools
 */
export function llmAgentOf({ deps, definition }: NodeActivity, node: LlmNode): ThinkingAgent {
  const graph = graphOfRun(definition, node.id);
  const id = nodeOfPath(node.id);
  const bound = graph.nodes.flatMap((other) => (other.kind === 'tool' && isBoundTo(other, id) ? [other.handler] : []));
  const tools = [...bound, ...node.llm.operations].map((name) => toolOf(deps.handlers, name, node));
  const name = `${graph.name}.${id}`;
  const handler = handlerOf(node, name);
  const { instructions, output: _, ...options } = node.llm;
  const given = {
    ...options,
    model: node.handler,
    instructions: (input: unknown) => filled(instructions, input as Json),
  };
  return { name, handler, thinking: thinkingOf(given, handler.output), tools, unavailable: [] };
}

/** @throws Error saying which placeholder has no value */
function filled(instructions: string, input: Json): string {
  const text = fillTemplate(instructions, input);
  if (text.ok) return (text.output as { readonly text: string }).text;
  throw new Error(text.message);
}

function toolOf(handlers: NodeActivity['deps']['handlers'], name: string, { id }: LlmNode): Handler {
  const tool = handlers.get(`tool:${name}`);
  if (tool === undefined) throw new HandlerUnknown(id, `the tool "${name}"`);
  return tool;
}

function handlerOf({ objective, llm }: LlmNode, name: string): Handler {
  return {
    ...{ kind: 'agent', name, description: objective, roles: [], capabilities: [], quick: false, retry: DEFAULT_RETRY },
    ...{ input: ANY_INPUT, output: outputOf(llm) },
    handle: () => {
      throw new Error(`The llm ${name} is carried out by its workflow.`);
    },
  };
}

const ANY_INPUT: Schema<unknown> = { '~standard': { version: 1, vendor: 'muster', validate: (value) => ({ value }) } };

/** Text becomes `{ text }`; anything else is held to the schema of the graph, which is interpreted and never compiled. */
function outputOf({ output }: LlmOptions): Schema<unknown> {
  const jsonSchema = output ?? { type: 'string' };
  const standard = { version: 1, vendor: 'muster', jsonSchema: { input: () => ({ ...jsonSchema }) } } as const;
  if (output === null) return { '~standard': { ...standard, validate: (text) => ({ value: { text } }) } };
  return { '~standard': { ...standard, validate: (value) => held(value as Json, output) } };
}

function held(value: Json, schema: JsonObject) {
  const fault = argumentsFault(schema, value);
  return fault === null ? { value } : { issues: [{ message: fault }] };
}
