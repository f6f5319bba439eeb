import type { Tool } from '@modelcontextprotocol/client';
import type { Handler, Schema } from '../domain/agents/handler.ts';
import { DEFAULT_RETRY } from '../domain/agents/retry-policy.ts';
import { isJsonObject, type Json, type JsonObject, storableText, toJson } from '../domain/json.ts';
import { type ToolTraits, toolTraits } from '../domain/tools/governed-tool.ts';
import { inputFault } from '../domain/tools/input-fault.ts';
import { SOURCE_TOOL_NAME } from '../domain/tools/tool-source.ts';
import { trimText } from '../domain/trim-text.ts';
import { digestOf } from '../operations/digest-of.ts';
import type { McpSource } from './mcp-source.ts';
import { resultText } from './result-text.ts';

/** Of a description that a model reads. */
const MOST_DESCRIPTION = 2_000;
/** Of a schema; a tool with a longer one is left out. Characters of JSON. */
const MOST_SCHEMA = 20_000;

/** A tool of a source, as a worker carries it out. */
export type SourceTool = Handler & ToolTraits & { readonly digest: string };

const ANYTHING: Schema<unknown> = { '~standard': { version: 1, vendor: 'muster', validate: (value) => ({ value }) } };

/**
 * A server's tool as a handler; null for one that cannot be offered. What a server says of itself is a text for the model
 * and no more: the risk is what the installation's settings say, and every change of the text changes the digest.
 */
export function sourceTool(source: McpSource, tool: Tool, given: Partial<ToolTraits>): SourceTool | null {
  const json = toJson(tool.inputSchema);
  if (!json.ok || !isJsonObject(json.value) || !SOURCE_TOOL_NAME.test(tool.name)) return null;
  if (JSON.stringify(json.value).length > MOST_SCHEMA) return null;
  const description = storableText(tool.description ?? '');
  const name = `${source.name}.${tool.name}`;
  const traits = toolTraits(given);
  return Object.freeze({
    ...{ kind: 'tool' as const, name, description: trimText(description, MOST_DESCRIPTION), ...traits },
    ...{ roles: [], capabilities: [], quick: false, retry: DEFAULT_RETRY },
    digest: digestOf([name, description, json.value]),
    input: inputOf(json.value),
    output: ANYTHING,
    async handle(input, context) {
      const { timeoutMs } = traits;
      const { signal } = context;
      // Its input has read it as an object.
      const result = await source.call(tool.name, input as Record<string, unknown>, { timeoutMs, signal });
      return resultText(result, context);
    },
  } satisfies SourceTool);
}

/** Holds arguments to the server's schema as far as that can be done safely. The server has the last word. */
function inputOf(schema: JsonObject): Schema<unknown> {
  const validate = (value: unknown) => {
    const fault = isJsonObject(value) ? inputFault(schema, value as Json) : 'they must be an object';
    return fault === null ? { value } : { issues: [{ message: fault }] };
  };
  return { '~standard': { version: 1, vendor: 'muster', validate, jsonSchema: { input: () => ({ ...schema }) } } };
}
