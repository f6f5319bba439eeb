import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { thinkingFaults } from '../../thinking/define-thinking.ts';
import type { DoubtPolicy } from '../../thinking/thinking-limits.ts';
import { conditionFault } from '../../tools/argument-condition.ts';
import { buildMapping } from '../build-mapping.ts';
import type { InputMapping, LlmNode, LlmOptions } from '../definition.ts';
import type { LlmSpec } from '../graph-spec.ts';
import { MODEL_NAME_PATTERN, OPERATION_NAME_PATTERN } from '../names.ts';
import { readMapping } from '../read-mapping.ts';
import { at, nameOf, note, type Place, readJson, readList, readObject } from '../read-unknown.ts';
import type { KindRules } from './kind-rules.ts';
import { readTemplate } from './prompt.ts';

/** An llm thinks with a model, as a thinking agent does, and is written in the graph itself. */
export const llm: KindRules<LlmNode> = {
  property: 'llm',
  written: ['input'],
  objective: 'Thinks with a model.',
  brings: () => ({}),
  build: ({ llm: spec, input }) => ({ ...buildLlm(spec), input: buildMapping(input) }),
  fields: ['handler', 'input', 'llm'],
  parse: (field) => {
    const input = readMapping(...field('input'));
    return { handler: readModel(...field('handler')), input, llm: readOptions(...field('llm'), input) };
  },
  drive: () => 'thinking',
  readers: ({ input }) => ({ input }),
  plan: { input: { fields: {} }, llm: null },
  decides: false,
};

/** What of an llm's tools is an operation: the others are nodes of its graph. */
function operationsAmong(tools: readonly string[]): readonly string[] {
  return tools.filter((name) => name.includes('.'));
}

function buildLlm(spec: LlmSpec<string> | undefined): Pick<LlmNode, 'handler' | 'llm'> {
  const { model = '', tools = [], instructions = '', output = null, limits = {}, ...more } = { ...spec };
  return { handler: model, llm: { instructions, operations: operationsAmong(tools), output, limits, ...more } };
}

export function readModel(value: unknown, place: Place): string {
  if (typeof value === 'string' && MODEL_NAME_PATTERN.test(value)) return value;
  note(place, 'llm_invalid', `Expected the name of a model, found ${nameOf(value)}.`);
  return '';
}

const REQUIRED = ['instructions', 'operations', 'output', 'limits'] as const;
const OPTIONAL = ['temperature', 'maxTokens', 'whenInDoubt'] as const satisfies readonly (keyof LlmOptions)[];

function readOptions(value: unknown, place: Place, input: InputMapping): LlmOptions {
  const given = readObject(value, place, { required: REQUIRED, optional: OPTIONAL }) ?? {};
  const { temperature, maxTokens, limits, whenInDoubt } = given;
  const instructions = readTemplate(given.instructions, at(place, 'instructions'), input);
  // What code may say of a thinking agent and data may say too has the same rules.
  for (const fault of thinkingFaults({ ...given, model: 'any', instructions, tools: undefined })) {
    note(place, 'llm_invalid', fault);
  }
  return {
    instructions,
    operations: readList(given.operations, at(place, 'operations'), readOperation),
    output: readSchema(given.output ?? null, at(place, 'output')),
    // Checked above, where functions are no data.
    limits: limits as LlmOptions['limits'],
    ...(temperature === undefined ? {} : { temperature: temperature as number }),
    ...(maxTokens === undefined ? {} : { maxTokens: maxTokens as number }),
    ...(whenInDoubt === undefined ? {} : { whenInDoubt: whenInDoubt as DoubtPolicy }),
  };
}

function readOperation(value: unknown, place: Place): string | null {
  if (typeof value === 'string' && OPERATION_NAME_PATTERN.test(value)) return value;
  note(place, 'llm_invalid', `Expected the name of an operation, found ${nameOf(value)}.`);
  return null;
}

/** The schema is interpreted by what conditions know, and never compiled. */
function readSchema(value: unknown, place: Place): JsonObject | null {
  const schema: Json = readJson(value, place);
  if (schema === null) return null;
  const fault = isJsonObject(schema) ? conditionFault(schema) : 'It must be a JSON Schema.';
  if (fault !== null) note(place, 'llm_invalid', `The answer cannot be held to this schema. ${fault}`);
  return isJsonObject(schema) ? schema : null;
}
