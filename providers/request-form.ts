import { jsonSchema, type ModelMessage as SdkMessage, type ToolSet, tool } from 'ai';
import type { JsonObject } from '../domain/json.ts';
import type { ModelMessage, ModelRequest } from '../domain/models/model-messages.ts';
import type { ModelRoute } from '../domain/models/model-settings.ts';
import type { ToolNames } from '../domain/models/tool-names.ts';

/** The name under which the SDK knows the provider, and passes on what it has no option for. */
export const SDK_PROVIDER = 'muster';

/** A request in the form of the SDK, as this way to the model takes it, with the tools' names as they go out. */
export function requestForm(request: ModelRequest, route: ModelRoute, names: ToolNames) {
  const { tools, output } = request;
  const { responseFormat, maxTokensField } = route;
  const messages = [...request.messages, ...(output === null ? [] : schemaInWords(output, responseFormat))];
  const mostTokens = Math.min(request.maxOutputTokens ?? route.maxOutputTokens, route.maxOutputTokens);
  const temperature = request.temperature ?? route.temperature;
  // What the SDK has no option for is passed by.
  const passed = {
    ...(output === null || responseFormat === 'none' ? {} : { response_format: formOf(output, responseFormat) }),
    ...(maxTokensField === 'max_tokens' ? {} : { [maxTokensField]: mostTokens }),
  };
  return {
    messages: messages.map((message) => messageForm(message, names)),
    ...(tools.length === 0 ? {} : { tools: toolForms(tools, names) }),
    ...(maxTokensField === 'max_tokens' ? { maxOutputTokens: mostTokens } : {}),
    ...(temperature === undefined ? {} : { temperature }),
    ...(Object.keys(passed).length === 0 ? {} : { providerOptions: { [SDK_PROVIDER]: passed } }),
  };
}

type OutputSchema = NonNullable<ModelRequest['output']>;

/**
 * Not the SDK's own `output`, which would parse what has come so far anew with each piece. Not `strict`: that accepts schemas
 * without optional fields only, and the answer is validated anyway.
 */
function formOf(schema: OutputSchema, format: Exclude<ModelRoute['responseFormat'], 'none'>): JsonObject {
  return format === 'json_object'
    ? { type: format }
    : { type: format, json_schema: { name: 'answer', strict: false, schema } };
}

/** A provider that does not take the schema has its model read it. */
function schemaInWords(schema: OutputSchema, format: ModelRoute['responseFormat']): ModelMessage[] {
  if (format === 'json_schema') return [];
  const text = `Your final answer is JSON, without any other word, that fits this JSON Schema: ${JSON.stringify(schema)}`;
  return [{ role: 'system', text }];
}

/** Tools without a function: the SDK calls none, and does not check what a model asks. */
function toolForms(tools: ModelRequest['tools'], names: ToolNames): ToolSet {
  return Object.fromEntries(
    tools.map(({ name, description, inputSchema }) => [
      names.toWire(name),
      tool({ description, inputSchema: jsonSchema<unknown>(inputSchema) }),
    ]),
  );
}

function messageForm(message: ModelMessage, names: ToolNames): SdkMessage {
  switch (message.role) {
    case 'system':
    case 'user':
      return { role: message.role, content: message.text };
    case 'assistant':
      return {
        role: 'assistant',
        content: [
          ...(message.text === '' ? [] : [{ type: 'text' as const, text: message.text }]),
          ...message.calls.map((call) => ({
            type: 'tool-call' as const,
            toolCallId: call.id,
            toolName: names.toWire(call.tool),
            input: call.arguments,
          })),
        ],
      };
    case 'tool': {
      const { callId, tool: name, text } = message;
      const output = { type: 'text' as const, value: text };
      return {
        role: 'tool',
        content: [{ type: 'tool-result', toolCallId: callId, toolName: names.toWire(name), output }],
      };
    }
  }
}
