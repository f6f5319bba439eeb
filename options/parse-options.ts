import { z } from 'zod';
import { type ErrorFacts, MusterError } from '../domain/errors.ts';
import { nearestName } from '../domain/nearest-name.ts';
import { foundText } from './found-text.ts';

/**
 * A call with an option or an argument that it does not take: an unknown name, a value of another type or out of range, or
 * two that contradict each other. Nothing was done.
 */
export class OptionInvalid extends MusterError {
  readonly code = 'option_invalid';
  /** What is wrong, one sentence without its full stop for each. */
  readonly faults: readonly string[];
  constructor(call: string, faults: readonly string[], facts: ErrorFacts = {}) {
    super(`${call} was called incorrectly: ${faults.join('; ')}. Nothing was done.`, { call, ...facts });
    this.faults = faults;
  }
}

/** The field that reads each option of a type. An option without a field does not compile. */
export type OptionFields<Options> = { readonly [Name in keyof Required<Options>]: z.ZodType<Options[Name]> };

/**
 * Makes the parser of a call's options. It accepts plain objects with known names only and returns a copy without
 * undefined values, which count as left out.
 * @param call how the call is named in the error
 */
export function optionsOf<Options extends object>(
  call: string,
  fields: OptionFields<Options>,
): (given: unknown) => Options {
  const schema = z.strictObject(fields as z.ZodRawShape);
  const names = Object.keys(fields);
  return (given) => {
    const copy = plainCopy(call, given);
    const parsed = schema.safeParse(copy);
    if (!parsed.success) throw refusal(call, parsed.error.issues, { given: copy, names });
    // Each field has the type of its option; the compiler cannot put them together again.
    return withoutUndefined(parsed.data) as Options;
  };
}

/** Makes the parser of one argument of a call. */
export function argumentOf<Value>(call: string, name: string, field: z.ZodType<Value>): (given: unknown) => Value {
  return (given) => {
    const parsed = field.safeParse(given);
    if (parsed.success) return parsed.data;
    const expected = parsed.error.issues[0]?.message ?? 'something else';
    throw new OptionInvalid(call, [`\`${name}\` must be ${expected}, found ${foundText(given)}`], { option: name });
  };
}

/**
 * A copy of the options that a caller passed, so that each is read once. Maps and dates have no options.
 * @throws OptionInvalid
 */
export function plainCopy(call: string, given: unknown): object {
  try {
    if (Object.prototype.toString.call(given) === '[object Object]') return { ...(given as object) };
  } catch {
    throw new OptionInvalid(call, ['its options throw when they are read']);
  }
  throw new OptionInvalid(call, [`expected an object of options, found ${foundText(given)}`]);
}

function refusal(
  call: string,
  issues: readonly z.core.$ZodIssue[],
  { given, names }: { readonly given: unknown; readonly names: readonly string[] },
): OptionInvalid {
  const faults = issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => unknownFault(name, names));
    const value = issue.path.reduce((inner, key) => (inner as Record<PropertyKey, unknown>)[key], given);
    return [`\`${issue.path.join('.')}\` must be ${issue.message}, found ${foundText(value)}`];
  });
  const [first] = issues;
  const option = first?.code === 'unrecognized_keys' ? first.keys[0] : first?.path[0];
  return new OptionInvalid(call, faults, { option: String(option ?? '').toWellFormed() });
}

function unknownFault(name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  const hint = nearest === null ? `it takes ${names.join(', ') || 'none'}` : `did you mean \`${nearest}\`?`;
  return `there is no option ${foundText(name).replaceAll('"', '`')} (${hint})`;
}

function withoutUndefined(options: Record<string, unknown>): Record<string, unknown> {
  for (const name of Object.keys(options)) if (options[name] === undefined) delete options[name];
  return options;
}
