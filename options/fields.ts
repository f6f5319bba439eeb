import { z } from 'zod';
import { LLM_NAME_PATTERN, NAME_PATTERN } from '../domain/graphs/names.ts';
import { isTaskQueue, isTenantId, isUuid, type TenantId } from '../domain/ids.ts';
import { textFault } from '../domain/json.ts';
import { MOMENT_TEXT, momentOf } from '../domain/moment-text.ts';

/**
 * One value of a call. `expected` completes the sentence "it must be …".
 * @param json the same as JSON Schema, for callers that are not programs
 */
function field<Value>(
  expected: string,
  accepts: (value: unknown) => boolean,
  json: Readonly<Record<string, unknown>> = {},
): z.ZodType<Value> {
  return z.custom<Value>(accepts, { error: expected }).meta({ ...json, description: expected });
}

/** A text that PostgreSQL and Redis keep as it is. Lengths are UTF-16 units. */
export function text({ max = 255, min = 1 } = {}): z.ZodType<string> {
  const expected = `a text of ${min} to ${max} characters without NUL or half a surrogate pair`;
  const accepts = (value: unknown) =>
    typeof value === 'string' && value.length >= min && value.length <= max && textFault(value) === null;
  return field(expected, accepts, { type: 'string', minLength: min, maxLength: max });
}

/** A text whose form a function checks. */
export function textLike<Value extends string = string>(
  expected: string,
  accepts: (value: string) => boolean,
): z.ZodType<Value> {
  return field(expected, (value) => typeof value === 'string' && accepts(value), { type: 'string' });
}

export function oneOf<const Words extends readonly string[]>(words: Words): z.ZodType<Words[number]> {
  const accepts = (value: unknown) => typeof value === 'string' && words.includes(value);
  return field(`one of ${words.join(', ')}`, accepts, { type: 'string', enum: words });
}

export function wholeNumber(range: { min: number; max: number }): z.ZodType<number> {
  const { min, max } = range;
  const accepts = (value: unknown) => Number.isInteger(value) && within(value, min, max);
  return field(`a whole number from ${min} to ${max}`, accepts, { type: 'integer', minimum: min, maximum: max });
}

export function numberFrom(min: number, max: number): z.ZodType<number> {
  const json = { type: 'number', minimum: min, maximum: max };
  return field(`a number from ${min} to ${max}`, (value) => within(value, min, max), json);
}

function within(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}

/** A number whose range is checked elsewhere. */
export const anyNumber: z.ZodType<number> = field('a number', (value) => typeof value === 'number', { type: 'number' });
export const yesOrNo: z.ZodType<boolean> = field('true or false', (value) => typeof value === 'boolean', {
  type: 'boolean',
});
export const uuid: z.ZodType<string> = textLike('a UUID in lower case', isUuid);
export const tenantId: z.ZodType<TenantId> = textLike(
  '1 to 64 letters, digits, dots, underscores or hyphens, beginning with a letter or digit',
  isTenantId,
);
export const taskQueue: z.ZodType<string> = textLike(
  '1 to 64 letters, digits, dots, underscores or hyphens',
  isTaskQueue,
);
/** The name of an agent or a role. */
export const definedName: z.ZodType<string> = textLike(`a name like ${NAME_PATTERN.source}`, (name) =>
  NAME_PATTERN.test(name),
);

/** The name of what may be granted a tool: an agent, or an llm of a graph. */
export const granteeName: z.ZodType<string> = textLike(
  `the name of an agent like ${NAME_PATTERN.source}, or of an llm, <graph>.<node>`,
  (name) => NAME_PATTERN.test(name) || LLM_NAME_PATTERN.test(name),
);

/** The last moment that both PostgreSQL and ISO 8601 can write. */
const LAST_MOMENT = Date.UTC(9999, 11, 31);
const MOMENT = 'a Date between the years 1970 and 9999';
const ZONED = 'or its text with a time zone at its end (Z or +01:00)';
/** A `Date`; or, from callers that have none, its ISO 8601 text with a time zone. */
export const moment: z.ZodType<Date> = z
  .unknown()
  .transform((value) => {
    const ms = momentOf(value);
    return ms === null ? value : new Date(ms);
  })
  .pipe(
    z.custom<Date>((value) => value instanceof Date && within(value.getTime(), 0, LAST_MOMENT), {
      error: ({ input }) =>
        typeof input === 'string' && MOMENT_TEXT.test(`${input}Z`) ? `${MOMENT}, ${ZONED}` : MOMENT,
    }),
  )
  .meta({ type: 'string', format: 'date-time', description: MOMENT });

/** A list of at most `max` items, each read by its field. */
export function listOf<Value>(item: z.ZodType<Value>, { max, of }: { max: number; of: string }): z.ZodType<Value[]> {
  return z.array(item, { error: `a list of ${of}` }).max(max, { error: `a list of at most ${max} ${of}` });
}

export function functionField<Value>(expected: string): z.ZodType<Value> {
  return field(expected, (value) => typeof value === 'function');
}

/** An object that offers certain methods, or fields of certain types. */
export function objectWith<Value>(
  expected: string,
  types: Readonly<Record<string, 'function' | 'object' | 'string'>>,
): z.ZodType<Value> {
  return field(expected, (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
    const members = value as Readonly<Record<string, unknown>>;
    return Object.entries(types).every(([name, type]) => typeof members[name] === type && members[name] !== null);
  });
}
