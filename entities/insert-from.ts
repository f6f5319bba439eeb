import type { SqlEntityManager } from '@mikro-orm/postgresql';
import {
  type AliasableExpression,
  createQueryId,
  type Expression,
  expressionBuilder,
  type InsertQueryBuilder,
  type InsertResult,
  NOOP_QUERY_EXECUTOR,
  type OperationNodeSource,
  QueryCreator,
  type RootOperationNode,
  type SqlBool,
} from 'kysely';
import type { Json } from '../domain/json.ts';

type AnyTables = Record<string, Record<string, unknown>>;

/** Builds parts of statements. It runs nothing: the statement that a part stands in is what runs. */
export const parts = new QueryCreator<AnyTables>({ executor: NOOP_QUERY_EXECUTOR });
const eb = expressionBuilder<AnyTables, string>();

/** A value that the database works out, of whatever type. */
export type Sql = AliasableExpression<unknown>;
/** The text of a column: a constant, or an expression over the table that the rows come from. */
export type TextCell = string | null | Sql;
/** A JSON object whose values are constants or expressions over the table that the rows come from. */
export type JsonCell = Readonly<Record<string, Json | Sql>> | Sql;

/** A column of the table that the rows come from, by its name in the database: `tenant_id`. */
export function column(name: string): Sql {
  return eb.ref(name);
}

/** A call of a function of the database. */
export function call(name: string, ...args: readonly Expression<unknown>[]): Sql {
  return eb.fn(name, [...args]);
}

/** A constant of a type of the database: parameters of an `insert … select` have none by themselves. */
export function constant(value: string | number | null, type: 'text' | 'uuid' | 'integer' | 'float8'): Sql {
  return eb.cast(eb.val(value), type);
}

export function textOf(cell: TextCell): Sql {
  return isSql(cell) ? eb.cast(cell, 'text') : constant(cell, 'text');
}

export function sum(first: Sql, second: Sql): Sql {
  return eb(first, '+', second);
}

export function minus(first: Sql, second: Sql): Sql {
  return eb(first, '-', second);
}

/** A condition that no row fulfils. */
export const NEVER: Expression<SqlBool> = eb.lit(false);

export function jsonOf(cell: JsonCell | Json): Sql {
  if (isSql(cell)) return cell;
  if (typeof cell !== 'object' || cell === null || !Object.values(cell).some(isSql)) return jsonConstant(cell);
  const args = Object.entries(cell).flatMap(([key, value]) => [constant(key, 'text'), jsonOf(value)]);
  return call('jsonb_build_object', ...args);
}

function jsonConstant(value: unknown): Sql {
  return eb.cast(eb.val(JSON.stringify(value)), 'jsonb');
}

function isSql(value: unknown): value is Sql {
  return typeof value === 'object' && value !== null && 'toOperationNode' in value;
}

/** An insert that can stand in `with` of a kysely statement, or in SQL text. */
export type InsertPart = InsertQueryBuilder<AnyTables, string, InsertResult>;

/** Where inserted rows come from: a table of the same statement, each row or group of which makes one. */
export interface RowSource {
  readonly from: string;
  readonly where?: Expression<unknown>;
  readonly groupBy?: Expression<unknown>;
}

/** `insert into table (…) select … from source where … group by …`; without a source one row of constants. */
export function insertFrom(
  table: string,
  source: RowSource | string | null,
  cells: Readonly<Record<string, Sql>>,
): InsertPart {
  const selections = Object.entries(cells).map(([name, cell]) => cell.as(name));
  const insert = parts.insertInto(table).columns(Object.keys(cells));
  if (source === null) return insert.expression(parts.selectNoFrom(selections));
  const { from, where, groupBy }: RowSource = typeof source === 'string' ? { from: source } : source;
  return insert.expression(
    parts
      .selectFrom(from)
      .select(selections)
      .$if(where !== undefined, (query) => query.where(where as Expression<boolean>))
      .$if(groupBy !== undefined, (query) => query.groupBy(groupBy as Expression<unknown>)),
  );
}

/** Runs a part as a statement of its own. */
export async function runPart(em: SqlEntityManager, part: OperationNodeSource): Promise<void> {
  const executor = em.getKysely().getExecutor();
  const queryId = createQueryId();
  // Every part that is built here is a whole query.
  const node = part.toOperationNode() as RootOperationNode;
  await executor.executeQuery(executor.compileQuery(executor.transformQuery(node, queryId), queryId));
}
