import { jsonSchema, type ModelMessage as SdkMessage, type ToolSet, tool } from 'ai';
import type { ModelMessage, ModelRequest } from '../domain/models/model-messages.ts';
import type { ToolNames } from '../domain/models/tool-names.ts';

/** The name under which the SDK knows the provider, and passes on what it has no option for. */
export const SDK_PROVIDER = 'muster';

/** A request in the form of the SDK, with the tools' names as they go out. */
export function requestForm({ messages, tools, output }: ModelRequest, names: ToolNames) {
  return {
    messages: messages.map((message) => messageForm(message, names)),
    ...(tools.length === 0 ? {} : { tools: toolForms(tools, names) }),
    ...(output === null ? {} : { providerOptions: { [SDK_PROVIDER]: { response_format: responseFormat(output) } } }),
  };
}

/**
 * Passed by and not given to the SDK as its `output`, which would parse what has come so far anew with each piece. Not
 * `strict`: that accepts schemas without optional fields only, and the answer is validated anyway.
 */
function responseFormat(schema: NonNullable<ModelRequest['output']>) {
  return { type: 'json_schema', json_schema: { name: 'answer', strict: false, schema } };
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
