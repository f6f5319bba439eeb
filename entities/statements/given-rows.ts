import type { SqlEntityManager } from '@mikro-orm/postgresql';
import {
  type CompiledQuery,
  createQueryId,
  type Expression,
  NOOP_QUERY_EXECUTOR,
  QueryCreator,
  type RawBuilder,
  type RootOperationNode,
  sql,
} from 'kysely';
import type { ColumnTables } from './column-tables.ts';

/** Builds statements over Muster's tables, by their names in the database. It runs nothing: see {@link Statement}. */
export const statements = new QueryCreator<ColumnTables>({ executor: NOOP_QUERY_EXECUTOR });

/** Stands in a compiled statement for the rows that each run of it is given. */
class Given {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

type ColumnType = 'uuid' | 'text' | 'int' | 'bigint' | 'boolean' | 'float8' | 'jsonb' | 'timestamptz';

/**
 * Rows that the program gives to a statement: one parameter, however many they are, so that one row and two hundred are
 * the same prepared statement. SQL text because kysely has no column definitions of a function's result. Needs no index;
 * one row costs 20 µs more than parameters of its own, two hundred a fiftieth of two hundred statements.
 */
export function givenRows<Row>(
  name: string,
  columns: Readonly<Record<keyof Row & string, ColumnType>>,
): RawBuilder<Row & { ord: number }> {
  const definitions = Object.entries(columns).map(([column, type]) => sql`${sql.id(column)} ${sql.raw(String(type))}`);
  return sql`(select * from rows from (jsonb_to_recordset(${new Given(name)}::jsonb) as (${sql.join(definitions)}))
    with ordinality as given(${sql.join([...Object.keys(columns), 'ord'].map((column) => sql.id(column)))}))`;
}

/**
 * A statement that is the same every time but for the rows that it is given. It is compiled once a process, which for the
 * longer ones costs more than running them.
 */
export class Statement<Row> {
  readonly #build: () => Expression<Row>;
  #compiled: CompiledQuery<Row> | null = null;

  constructor(build: () => Expression<Row>) {
    this.#build = build;
  }

  /** @param given the rows of each {@link givenRows}, by its name */
  async run(em: SqlEntityManager, given: Readonly<Record<string, readonly object[]>>): Promise<readonly Row[]> {
    const executor = em.getKysely().getExecutor();
    const queryId = createQueryId();
    // What builds a statement builds a whole query.
    this.#compiled ??= executor.compileQuery<Row>(this.#build().toOperationNode() as RootOperationNode, queryId);
    const parameters = this.#compiled.parameters.map((value) =>
      value instanceof Given ? JSON.stringify(given[value.name] ?? []) : value,
    );
    const { rows } = await executor.executeQuery<Row>({ ...this.#compiled, parameters, queryId });
    return rows;
  }
}
