import type { Handler, Schema, SchemaValue, Thinking } from '../agents/handler.ts';
import { writeSchema } from '../agents/schema.ts';
import { errorMessage } from '../errors.ts';
import { nameOf } from '../graphs/read-unknown.ts';
import { isJsonObject } from '../json.ts';
import type { ToolSourceReference } from '../tools/tool-source.ts';
import { DOUBT_POLICIES, type DoubtPolicy, THINKING_LIMITS, type ThinkingLimits } from './thinking-limits.ts';

/** A tool that an agent may call: made by `defineTool`, or an operation. */
export type ToolReference = Pick<Handler, 'name' | 'description' | 'input' | 'output'> & { readonly kind: 'tool' };

/** What makes an agent a thinking one. */
export interface ThinkingOptions<Input extends Schema<unknown>> {
  /** A name of the installation's models, or several: the first that the settings have is called. See docs/models.md. */
  readonly model: string | readonly string[];
  /** What the model is told before the input: a text, or a pure function of the input. Called again at every step. */
  readonly instructions: string | ((input: SchemaValue<Input>) => string);
  /**
   * The temperature of its answers, 0 to 2: a number, or a pure function of the input. What a function gives that is none is
   * left to the model's settings. @defaultValue what the settings say
   */
  readonly temperature?: number | ((input: SchemaValue<Input>) => number);
  /** The length of one answer, in tokens, at least 1. @defaultValue what the model's settings say, which is the most */
  readonly maxTokens?: number;
  /** What it may call, tools of sources (`mcp`) included. Grants decide whether it may at that moment. @defaultValue none */
  readonly tools?: readonly (ToolReference | ToolSourceReference)[];
  readonly limits?: Partial<ThinkingLimits>;
  /**
   * What to do about a model call whose process died before its answer was written: `repeat` pays again, `stop` ends the
   * run as `model_call_in_doubt`. @defaultValue 'repeat'
   */
  readonly whenInDoubt?: DoubtPolicy;
}

/** The most tools of one agent, those of sources included. */
export const MAX_TOOLS = 128;

/** The faults of what makes an agent a thinking one, one sentence each. */
export function thinkingFaults(given: Readonly<Record<string, unknown>>): readonly string[] {
  const { model, instructions, temperature, maxTokens, tools, limits, whenInDoubt, quick } = given;
  const faults: string[] = [];
  const expect = (holds: boolean, what: string, found: unknown) => {
    if (!holds) faults.push(`Expected ${what}, found ${nameOf(found)}.`);
  };
  expect(modelsIn(model) !== null, 'the name of a model, or a list of names, as model', model);
  expect(isInstructions(instructions), 'a text, or a function that gives one, as instructions', instructions);
  const fits = temperature === undefined || typeof temperature === 'function' || isTemperature(temperature);
  expect(fits, 'a number from 0 to 2, or a function that gives one, as temperature', temperature);
  const isLength = maxTokens === undefined || (Number.isSafeInteger(maxTokens) && Number(maxTokens) >= 1);
  expect(isLength, 'a whole number of at least 1 as maxTokens', maxTokens);
  expect(
    whenInDoubt === undefined || DOUBT_POLICIES.some((word) => word === whenInDoubt),
    "'repeat' or 'stop' as whenInDoubt",
    whenInDoubt,
  );
  if (quick === true) faults.push('A thinking agent cannot be quick: it waits for its model.');
  return [...faults, ...toolFaults(tools), ...limitFaults(limits)];
}

/** Null for what names no model. */
function modelsIn(model: unknown): Thinking['models'] | null {
  const [first, ...others]: unknown[] = Array.isArray(model) ? model : [model];
  const isName = (name: unknown) => typeof name === 'string' && name !== '';
  return [first, ...others].every(isName) ? [first as string, ...(others as string[])] : null;
}

/** Whether a value is a temperature. */
export function isTemperature(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 2;
}

function isInstructions(value: unknown): boolean {
  return typeof value === 'function' || (typeof value === 'string' && value.trim() !== '');
}

function toolFaults(tools: unknown): readonly string[] {
  if (tools === undefined) return [];
  if (!Array.isArray(tools) || tools.length > MAX_TOOLS || !tools.every((tool) => isTool(tool) || isSource(tool))) {
    return [`Expected at most ${MAX_TOOLS} tools, made by defineTool, operation or mcp, as tools.`];
  }
  const own = tools.filter(isTool);
  const names = own.map(({ name }) => name);
  const double = names.find((name, index) => names.indexOf(name) !== index);
  return [
    ...(double === undefined ? [] : [`Two tools are called "${double}".`]),
    ...own.flatMap((tool) => schemaFault(tool.input, `The input of the tool ${tool.name}`)),
  ];
}

function isTool(value: unknown): value is Handler {
  return isJsonObject(value as never) && (value as Partial<Handler>).kind === 'tool';
}

function isSource(value: unknown): value is ToolSourceReference {
  return isJsonObject(value as never) && (value as Partial<ToolSourceReference>).kind === 'tool-source';
}

function limitFaults(limits: unknown): readonly string[] {
  if (limits === undefined) return [];
  if (typeof limits !== 'object' || limits === null) return ['Expected an object as limits.'];
  return Object.entries(limits).flatMap(([name, value]: [string, unknown]) => {
    const range = Object.entries(THINKING_LIMITS).find(([known]) => known === name)?.[1];
    if (range === undefined)
      return [`There is no limits.${name}; there are ${Object.keys(THINKING_LIMITS).join(', ')}.`];
    const fits =
      value === undefined || (Number.isInteger(value) && Number(value) >= range.min && Number(value) <= range.max);
    return fits ? [] : [`Expected a whole number from ${range.min} to ${range.max} as limits.${name}.`];
  });
}

/** A model must be told what form a value has. */
export function schemaFault(schema: Schema<unknown>, what: string): readonly string[] {
  try {
    return writeSchema(schema).jsonSchema === null ? [`${what} has no JSON Schema; use a library that writes it.`] : [];
  } catch (error) {
    return [`${what} cannot be written as JSON Schema: ${errorMessage(error)}`];
  }
}

/** Fills in the defaults of valid options. Frozen. */
export function thinkingOf(options: ThinkingOptions<Schema<unknown>>, output: Schema<unknown>): Thinking {
  const { model, instructions, temperature, maxTokens, tools = [], limits = {}, whenInDoubt = 'repeat' } = options;
  const entries = Object.entries(THINKING_LIMITS).map(([name, { byDefault }]) => [
    name,
    limits[name as keyof ThinkingLimits] ?? byDefault,
  ]);
  // Valid options name a model.
  const models: Thinking['models'] = modelsIn(model) ?? [''];
  const { jsonSchema } = writeSchema(output);
  return Object.freeze({
    models,
    instructions,
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    // A tool is complete; only the types of its code are unknown here, as they are for the worker.
    tools: Object.freeze(tools.filter((tool) => !isSource(tool))) as unknown as readonly Handler[],
    sources: Object.freeze(tools.filter(isSource)),
    limits: Object.freeze(Object.fromEntries(entries)) as ThinkingLimits,
    whenInDoubt,
    outputSchema: jsonSchema?.type === 'string' ? null : jsonSchema,
  });
}
