import { type RawBuilder, sql } from 'kysely';

export type ColumnType =
  | ('uuid' | 'text' | 'smallint' | 'int' | 'bigint' | 'boolean' | 'float8' | 'jsonb' | 'timestamptz')
  | 'text[]';

/** Rows have a form for a few of them, and one for many. */
export type Form = 'few' | 'many';

/** For up to this many rows, a statement looks up what belongs to them one by one. */
const FEW = 10;

/** What a compiled statement is given at each run: one parameter. */
export interface Given<Value, Sql> {
  /** Its place in a form of the statement, around the parameter. */
  readonly place: (parameter: object, form: Form) => RawBuilder<Sql>;
  /** How a value is handed to the driver. Default: as it is. */
  readonly encode?: (value: Value) => unknown;
}

/** One value. A `jsonb` value is any JSON; its null is SQL's null. */
export function givenValue<Value>(type: ColumnType): Given<Value, Value> {
  return { place: (given) => sql`${given}::${sql.raw(type)}`, ...(type === 'jsonb' ? { encode: jsonText } : {}) };
}

/** A list of values as one array: `eb.fn.any(ids)` compares with it, whatever its length. */
export function givenList<Value>(type: Exclude<ColumnType, 'text[]'>): Given<readonly Value[], readonly Value[]> {
  return { place: (given) => sql`${given}::${sql.raw(type)}[]`, ...LIST_ENCODINGS[type] };
}

/** Lists that the driver would write wrongly, or whose values it would quote one by one. */
const LIST_ENCODINGS: Partial<Record<ColumnType, { readonly encode: (values: readonly unknown[]) => unknown }>> = {
  jsonb: { encode: (values) => values.map(jsonText) },
  uuid: { encode: (values) => `{${values.join()}}` },
  int: { encode: (values) => `{${values.join()}}` },
};

/**
 * Rows as a table of the statement, numbered from 1 by `ord`: one parameter, however many they are. Properties without
 * a column are left out. It is SQL text, because kysely has no column definitions of a function's result. One row of 14
 * columns costs both sides 70 µs together and a thousand 12 ms; an array for each column would cost 140 µs and 9.5 ms,
 * of which 4 are ours instead of 2.
 *
 * PostgreSQL expects a hundred rows of such a function. To find what belongs to a hundred rows it reads all that a
 * tenant has, which seems little where there are no statistics, or many tenants, and costs ten to thirty times as much
 * as one row. So where a few are given, the statement makes PostgreSQL expect one: it takes a range of unknown numbers
 * for one row in 200.
 */
export function givenRows<Row>(
  columns: Readonly<Record<keyof Row & string, ColumnType>>,
): Given<readonly Row[], Row & { readonly ord: number }> {
  const names = Object.keys(columns).map((name) => sql.id(name));
  const keys = Object.entries(columns).map(([name, type]) => sql.raw(`"${name}" ${String(type)}`));
  return {
    place: (given, form) => sql`(select ${sql.join(names)}, ord::int as ord
      from rows from (jsonb_to_recordset(${given}::jsonb) as (${sql.join(keys)}))
      with ordinality as given(${sql.join(names)}, ord) ${form === 'few' ? EXPECT_ONE : sql``})`,
    encode: (rows) => JSON.stringify(rows),
  };
}

/** The form for a value. Everything but a list has the form for few. */
export function formFor(value: unknown): Form {
  return Array.isArray(value) && value.length > FEW ? 'many' : 'few';
}

const EXPECT_ONE = sql`where ord between 1 and 2147483647`;

function jsonText(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
