/**
 * The names of OpenTelemetry's semantic conventions that Muster uses, and no others: version 1.41.0, the last that
 * describes generative AI beside everything else. Its successor, semantic-conventions-genai, is still renaming metrics.
 */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.41.0';

export const ATTRIBUTES = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  agent: 'gen_ai.agent.name',
  workflow: 'gen_ai.workflow.name',
  requestModel: 'gen_ai.request.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  cachedTokens: 'gen_ai.usage.cache_read.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  tokenType: 'gen_ai.token.type',
  tool: 'gen_ai.tool.name',
  toolCallId: 'gen_ai.tool.call.id',
  toolType: 'gen_ai.tool.type',
  error: 'error.type',
  /** What no convention names. */
  tenant: 'muster.tenant',
  task: 'muster.task.id',
  trace: 'muster.trace.number',
  path: 'muster.run.path',
  kind: 'muster.node.kind',
  status: 'muster.status',
  attempts: 'muster.attempts',
  step: 'muster.step',
  costMicros: 'muster.cost_micros',
} as const;

/** Values of `gen_ai.operation.name`, with which the names of spans begin. */
export const OPERATIONS = {
  task: 'invoke_workflow',
  agent: 'invoke_agent',
  model: 'chat',
  tool: 'execute_tool',
} as const;

/** The histograms, with the bounds that the conventions ask for. */
export const METRICS = {
  tokens: {
    name: 'gen_ai.client.token.usage',
    unit: '{token}',
    description: 'Tokens of model calls, by input and output',
    bounds: Array.from({ length: 14 }, (_, index) => 4 ** index),
  },
  duration: {
    name: 'gen_ai.client.operation.duration',
    unit: 's',
    description: 'How long model calls took',
    bounds: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
  },
} as const;
