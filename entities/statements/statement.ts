import type { SqlEntityManager } from '@mikro-orm/postgresql';
import {
  type Compilable,
  type CompiledQuery,
  createQueryId,
  NOOP_QUERY_EXECUTOR,
  type OperationNodeSource,
  OperationNodeTransformer,
  QueryCreator,
  type QueryResult,
  type RawBuilder,
  type RootOperationNode,
  ValueNode,
} from 'kysely';
import { propertyNames, type Tables } from '../tables.ts';
import { type Form, formFor, type Given } from './given-values.ts';

/** Builds statements over Muster's tables, by the names of `tables(em)`. It runs nothing: see {@link Statement}. */
export const statements = new QueryCreator<Tables>({ executor: NOOP_QUERY_EXECUTOR });

/** What a statement is given, by names of its own; and the values of one run. */
export type Shape = Readonly<Record<string, Given<never, unknown>>>;
export type Values<Of extends Shape> = {
  readonly [Name in keyof Of]: Of[Name] extends Given<infer Value, unknown> ? Value : never;
};
/** Where each stands in the statement. */
export type Places<Of extends Shape> = {
  readonly [Name in keyof Of]: Of[Name] extends Given<never, infer Sql> ? RawBuilder<Sql> : never;
};

/** A statement of kysely, before it is compiled; or one in SQL text. */
export type Built<Row> = (Compilable<Row> & OperationNodeSource) | RawBuilder<Row>;

/**
 * A statement that is the same every time but for what it is given. It is built and compiled once a process, which costs
 * more than running most of them: keep it in a constant. Names and rows are those of `tables(em)`.
 *
 * @example
 * const NAMES = new Statement({ ids: givenList<TaskId>('uuid') }, ({ ids }) =>
 *   statements.selectFrom('tasks').select('graphName').where((eb) => eb('id', '=', eb.fn.any(ids))));
 * const rows = await NAMES.run(em, { ids });
 */
export class Statement<Of extends Shape, Row> {
  readonly #given: Of;
  readonly #build: (places: Places<Of>) => Built<Row>;
  /** By the forms of what is given. */
  readonly #compiled = new Map<string, Compiled<Of, Row>>();

  constructor(given: Of, build: (places: Places<Of>) => Built<Row>) {
    this.#given = given;
    this.#build = build;
  }

  /** Runs it in the unit of work. */
  async run(em: SqlEntityManager, values: Values<Of>): Promise<readonly Row[]> {
    const { rows } = await this.#execute(em, values);
    return propertyNames(em).rowsOf(rows);
  }

  /** Runs it where it returns no rows. @returns how many it wrote or removed */
  async change(em: SqlEntityManager, values: Values<Of>): Promise<number> {
    const { numAffectedRows } = await this.#execute(em, values);
    return Number(numAffectedRows ?? 0);
  }

  /** Skips kysely's plugins, which would be assembled for each run. */
  #execute(em: SqlEntityManager, values: Values<Of>): Promise<QueryResult<Row>> {
    const { query, parameters } = this.#compiledFor(em, values);
    return em.getKysely().executeQuery({ ...query, parameters: parameters.map((parameter) => parameter(values)) });
  }

  #compiledFor(em: SqlEntityManager, values: Values<Of>): Compiled<Of, Row> {
    const forms = Object.keys(this.#given).map((name) => formFor(values[name]));
    const key = forms.join();
    const compiled = this.#compiled.get(key) ?? this.#compile(em, forms);
    this.#compiled.set(key, compiled);
    return compiled;
  }

  #compile(em: SqlEntityManager, forms: readonly Form[]): Compiled<Of, Row> {
    const own = Object.entries(this.#given).map(([name, given]) => ({ name, given, parameter: {} }));
    const places = own.map(({ name, given, parameter }, index) => [
      name,
      given.place(parameter, forms[index] ?? 'few'),
    ]);
    const queryId = createQueryId();
    // The places are those of what is given; a statement is a whole query.
    const node = this.#build(Object.fromEntries(places) as Places<Of>).toOperationNode() as RootOperationNode;
    const named = propertyNames(em).transformQuery({ node: CONSTANTS.transformNode(node), queryId });
    const query = em.getKysely().getExecutor().compileQuery<Row>(named, queryId);
    const parameters = query.parameters.map((parameter) => {
      const found = own.find((one) => one.parameter === parameter);
      return found === undefined ? () => parameter : encoder(found);
    });
    return { query, parameters };
  }
}

/**
 * Writes the constants of a statement into its text, which is the same every time. As parameters they would be sent and
 * read again at each run, for half a microsecond each. A given value is an object until it is encoded.
 */
class Constants extends OperationNodeTransformer {
  protected override transformValue(node: ValueNode): ValueNode {
    return typeof node.value === 'object' && node.value !== null ? node : ValueNode.createImmediate(node.value);
  }
}

const CONSTANTS = new Constants();

interface Compiled<Of extends Shape, Row> {
  readonly query: CompiledQuery<Row>;
  readonly parameters: readonly ((values: Values<Of>) => unknown)[];
}

function encoder({ name, given }: { name: string; given: Given<never, unknown> }) {
  const encode = given.encode ?? ((value: never) => value);
  return (values: Readonly<Record<string, unknown>>) => encode(values[name] as never);
}
