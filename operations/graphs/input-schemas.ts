import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { errorClause } from '../../domain/errors.ts';
import { type GraphFault, GraphInvalid } from '../../domain/graphs/graph-faults.ts';
import { inputSchemaFault } from '../../domain/graphs/input-schema-rules.ts';
import type { Json, JsonObject } from '../../domain/json.ts';

/** Checks one input. Undefined for one that fits, else what is wrong with it. */
export type InputCheck = (input: Json) => readonly ErrorObject[] | undefined;

/** What a graph's name is needed for: the error that names it. */
export interface InputSchema {
  readonly graph: string;
  readonly schema: JsonObject;
}

/**
 * Compiles an input schema as publishing and every submit do. Each has a compiler of its own, since one compiler refuses a
 * second schema of the same `$id`, and two versions of a graph have it.
 * @throws GraphInvalid for a schema by which nothing can be checked
 */
export function compileInputSchema({ graph, schema }: InputSchema): InputCheck {
  const validate = compile(graph, schema);
  return (input) => {
    try {
      return validate(input) ? undefined : (validate.errors ?? []);
    } catch (error) {
      throw new GraphInvalid(graph, [inputSchemaFault([], endless(error))]);
    }
  };
}

const MAX_FAULTS = 5;

/** What is wrong with an input, each fault with its place; null for one that fits. */
export function inputFaults(check: InputCheck, input: Json): string | null {
  const errors = check(input);
  if (errors === undefined) return null;
  const faults = errors.slice(0, MAX_FAULTS).map(({ instancePath, message }) => {
    return `${instancePath === '' ? 'it' : instancePath} ${message ?? 'is not allowed'}`;
  });
  return faults.join('; ');
}

/** What keeps an input schema from being published: what the language forbids, and what the compiler cannot use. */
export function inputSchemaFaultsOf({ graph, schema }: InputSchema): readonly GraphFault[] {
  const ajv = newCompiler();
  try {
    if (ajv.validateSchema(schema) !== true) return (ajv.errors ?? []).slice(0, 1).map(languageFault);
    // A schema that leads to itself before it reads anything compiles, and then never ends.
    compileInputSchema({ graph, schema })({});
    return [];
  } catch (error) {
    return error instanceof GraphInvalid ? error.faults : [inputSchemaFault([], sentence(error))];
  }
}

function compile(graph: string, schema: JsonObject): ValidateFunction {
  try {
    return newCompiler().compile(schema);
  } catch (error) {
    const message = error instanceof RangeError ? endless(error) : sentence(error);
    throw new GraphInvalid(graph, [inputSchemaFault([], message)]);
  }
}

/** Formats say what a text is for and are not checked; unknown keywords are remarks. */
function newCompiler(): Ajv2020 {
  return new Ajv2020({ allErrors: true, strict: false, validateFormats: false, validateSchema: false, logger: false });
}

function languageFault({ instancePath, message }: ErrorObject): GraphFault {
  const path = `/inputSchema${instancePath}`;
  return { code: 'input_schema_unusable', path, message: `It is no JSON Schema: it ${message ?? 'is not allowed'}.` };
}

function sentence(error: unknown): string {
  return `It cannot be compiled: ${errorClause(error)}.`;
}

function endless(error: unknown): string {
  return error instanceof RangeError ? 'It leads to itself without an end.' : sentence(error);
}
